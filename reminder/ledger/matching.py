"""Which measure of the store a row of the sheet is: by code, and by text where the ledger was renumbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from reminder.ledger.known import Known, group_of, stand_in
from reminder.ledger.rows import ReadRow
from reminder.ledger.text import squeeze

RENUMBERED_SHARE = 0.05  # more codes than this with another measure's text: somebody has renumbered
_ALIKE = 0.4  # a corrected sentence stays far above this, two unrelated ones far below


@dataclass(frozen=True, slots=True)
class Matched:
    """A row, the measure it is (None: a new one) and the code it is stored under."""

    row: ReadRow
    known: Known | None
    code: str


@dataclass(frozen=True, slots=True)
class Matching:
    """All rows in the sheet's order; the measures no row is left for; codes these give up to others, by id."""

    rows: tuple[Matched, ...]
    missing: tuple[Known, ...]
    displaced: Mapping[int, str]


def match(rows: Sequence[ReadRow], known: Sequence[Known], *, renumbered: bool = False) -> Matching:
    """Pairs rows with measures. Rows that cannot be imported must be left out by the caller."""
    search = _Search(rows, known)
    if renumbered:
        search.pair(lambda row: _whole(row.problem_text, row.text), _whole_of)
        search.pair(lambda row: squeeze(row.text), lambda one: squeeze(one.values["text"]), only_single=True)
    search.pair(lambda row: (group_of(row), squeeze(row.text)), lambda one: (one.group, squeeze(one.values["text"])))
    search.pair(group_of, lambda one: one.group, fits=_alike if renumbered else None)
    # a row that gets its code, or loses it, is the same measure while its text is
    search.pair(
        lambda row: _coded(row.code, row.text), lambda one: _coded(one.shown_code, one.values["text"], turned=True)
    )
    return _with_codes(rows, known, search.found, renumbered=renumbered)


def carries_another_text(pair: Matched, texts: frozenset[str]) -> bool:
    """Whether a known code now stands beside the text of another measure, or beside an unrelated one."""
    if pair.known is None or squeeze(pair.row.text) == squeeze(pair.known.values["text"]):
        return False
    return squeeze(pair.row.text) in texts or not _alike(pair.row, pair.known)


def looks_renumbered(matching: Matching, known: Sequence[Known]) -> list[Matched]:
    """The rows whose code carries another measure's text, where they are more than a few; else none."""
    coded = [one for one in known if one.shown_code and one.vanished_on is None]
    texts = frozenset(squeeze(one.values["text"]) for one in known)
    others = [pair for pair in matching.rows if pair.row.code and carries_another_text(pair, texts)]
    return others if len(others) > RENUMBERED_SHARE * len(coded) else []


def _alike(row: ReadRow, known: Known) -> bool:
    return SequenceMatcher(None, squeeze(row.text), squeeze(known.values["text"]), autojunk=False).ratio() >= _ALIKE


def _whole(problem_text: str, text: str) -> tuple[str, str]:
    return squeeze(problem_text), squeeze(text)


def _whole_of(known: Known) -> tuple[str, str]:
    return _whole(known.values["problem_text"], known.values["text"])


def _coded(code: str | None, text: str, *, turned: bool = False) -> tuple[bool, str]:
    return (code is None) != turned, squeeze(text)


class _Search:
    """Pairs found so far; each call of `pair` looks at what the calls before have left."""

    def __init__(self, rows: Sequence[ReadRow], known: Sequence[Known]) -> None:
        self.found: dict[int, Known] = {}  # by the row's number
        self._rows = rows
        self._known = known

    def pair(
        self,
        of_row: Callable[[ReadRow], Hashable],
        of_known: Callable[[Known], Hashable],
        *,
        fits: Callable[[ReadRow, Known], bool] | None = None,
        only_single: bool = False,
    ) -> None:
        """Pairs what has the same key, in order; `only_single`: only where the key is the only one on both sides."""
        taken = {one.id for one in self.found.values()}
        left: dict[Hashable, list[Known]] = defaultdict(list)
        for one in self._known:
            if one.id not in taken:
                left[of_known(one)].append(one)
        for key, rows in _grouped((row for row in self._rows if row.row not in self.found), of_row):
            if only_single and (len(rows) > 1 or len(left[key]) > 1):
                continue
            for row, one in zip(rows, left[key], strict=False):
                if fits is None or fits(row, one):
                    self.found[row.row] = one


def _grouped(rows: Iterable[ReadRow], key: Callable[[ReadRow], Hashable]) -> Iterator[tuple[Hashable, list[ReadRow]]]:
    groups: dict[Hashable, list[ReadRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    yield from groups.items()


def _with_codes(
    rows: Sequence[ReadRow], known: Sequence[Known], found: Mapping[int, Known], *, renumbered: bool
) -> Matching:
    """The first row of a code keeps it, further ones are stored as 73#2, 73#3."""
    matched = {one.id for one in found.values()}
    missing = tuple(one for one in known if one.id not in matched)
    kept = {row.row: one.code for row in rows if (one := found.get(row.row)) and one.group == group_of(row)}
    taken = {*kept.values()}
    displaced: dict[int, str] = {}
    wanted = {group_of(row) for row in rows if row.row not in kept} if renumbered else set()
    for one in missing:
        code = _free(stand_in(one.values["problem"], one.values["text"]), taken) if one.code in wanted else one.code
        if code != one.code:
            displaced[one.id] = code
        taken.add(code)
    pairs = []
    for row in rows:
        code = kept.get(row.row) or _free(group_of(row), taken)
        taken.add(code)
        pairs.append(Matched(row, found.get(row.row), code))
    return Matching(tuple(pairs), missing, displaced)


def _free(code: str, taken: set[str]) -> str:
    if code not in taken:
        return code
    return next(name for n in range(2, len(taken) + 3) if (name := f"{code}#{n}") not in taken)
