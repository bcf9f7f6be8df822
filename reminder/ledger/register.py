"""A sheet into the store: one import is one transaction, and says of every row what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from reminder.domain.measure import OPEN
from reminder.errors import UsageError
from reminder.ledger.book import load, save
from reminder.ledger.known import Known, values_of
from reminder.ledger.matching import Matched, Matching, looks_renumbered, match
from reminder.ledger.reconcile import Merged, reconcile
from reminder.ledger.registered import Action, Registered, RegisteredRow, Vanished
from reminder.ledger.remarks import problems_of, shown
from reminder.ledger.rows import ReadRow, ReadSheet
from reminder.ledger.writes import write_of, write_of_missing
from reminder.store.tables import ImportRow
from reminder.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """The circumstances of an import. `as_of`: the day on which the sheet's statuses are true; `now` (aware) is on
    the office's clock."""

    ledger: str = ""
    as_of: date
    dated: date | None = None
    now: datetime
    file: str
    sha256: str
    renumbered: bool = False
    dry_run: bool = False
    locale: str = "zh_CN"


def known_wordings(session: Session, ledger: str, *, renumbered: bool = False) -> dict[tuple[str, str], date]:
    """For `read_ledger`: the day from which each code's present wording was first read.

    None of them in a renumbered ledger, where a code no longer says which measure it was.
    """
    known = [] if renumbered else load(session, ledger, date.max)
    return {
        (one.shown_code, one.imported["deadline"]): one.wording_read_on
        for one in known
        if one.shown_code and one.wording_read_on and "deadline" in one.imported
    }


def register(session: Session, sheet: ReadSheet, about: Import) -> Registered:
    """Compares the sheet with the last import, applies what changed and reports the rest.

    The caller's transaction makes it one: nothing is kept where it raises. With `dry_run` nothing is written.

    Raises:
        UsageError: too many codes stand beside another measure's text, and nobody said `--renumbered`.
    """
    known = load(session, about.ledger, about.now.date())
    importable = [row for row in sheet.rows if not row.rejected]
    matching = match(importable, known, renumbered=about.renumbered)
    if not about.renumbered and (others := looks_renumbered(matching, known)):
        raise UsageError(_renumbered(others, about.locale))
    merged = {pair.row.row: _merge(pair, sheet, about) for pair in matching.rows}
    missing = _missing(matching, sheet)
    registered = Registered(
        sheet=sheet.sheet,
        header_row=sheet.header_row,
        rows=_told(sheet, matching, merged, about.locale),
        skipped=sheet.skipped,
        vanished=tuple(Vanished(one.shown_code, one.values["text"]) for one in missing if _worth_telling(one)),
        unknown_bodies=sheet.unknown_bodies,
        dry_run=about.dry_run,
        locale=about.locale,
    )
    if not about.dry_run:
        writes = [write_of(pair, merged[pair.row.row], about.as_of, about.dated) for pair in matching.rows]
        gone = [write_of_missing(one, matching, about.as_of) for one in missing]
        save(session, about.ledger, [one for one in (*gone, *writes) if one], about.now)
        session.add(_record(sheet, registered, about))
    return registered


def _renumbered(others: list[Matched], locale: str) -> str:
    first = others[0]
    stored = first.known.values["text"] if first.known else ""
    facts = {"code": first.row.code, "stored": shown(stored, locale), "text": shown(first.row.text, locale)}
    return say(locale, "register.renumbered", count=len(others), **facts)


def _merge(pair: Matched, sheet: ReadSheet, about: Import) -> Merged:
    if pair.known is None:
        return Merged(values_of(pair.row))
    dated = pair.row.code is not None and not about.renumbered  # else nobody knew its wording's first day
    return reconcile(pair.known, pair.row, sheet.fields, same_wording_dated=dated)


def _missing(matching: Matching, sheet: ReadSheet) -> tuple[Known, ...]:
    """What no row is left for. A row that could not be imported still shows that its measure is there."""
    rejected = {row.code for row in sheet.rows if row.rejected and row.code}
    return tuple(one for one in matching.missing if one.shown_code not in rejected)


def _worth_telling(known: Known) -> bool:
    """A measure that vanished earlier is told again only while it is chased."""
    return known.vanished_on is None or known.values["status"] in OPEN


def _told(sheet: ReadSheet, matching: Matching, merged: Mapping[int, Merged], locale: str) -> tuple[RegisteredRow, ...]:
    pairs = {pair.row.row: pair for pair in matching.rows}
    rows = []
    for row in sheet.rows:
        pair = pairs.get(row.row)
        rows.append(_row(pair, merged[row.row], locale) if pair else _rejected(row))
    return tuple(rows)


def _row(pair: Matched, merged: Merged, locale: str) -> RegisteredRow:
    values = merged.values
    if pair.known and "status" in pair.known.edited:
        values = {**values, "status": pair.known.standing_at}
    return RegisteredRow(
        row=pair.row.row,
        code=pair.row.code,
        action=_action(pair, merged),
        values=values,
        problems=problems_of(pair, merged, locale),
    )


def _action(pair: Matched, merged: Merged) -> Action:
    if pair.known is None:
        return "added"
    if merged.conflict:
        return "conflict"
    back = pair.known.vanished_on is not None
    return "updated" if merged.changed or back or pair.known.shown_code != pair.row.code else "unchanged"


def _rejected(row: ReadRow) -> RegisteredRow:
    return RegisteredRow(row=row.row, code=row.code, action="rejected", values=values_of(row), problems=row.problems)


def _record(sheet: ReadSheet, registered: Registered, about: Import) -> ImportRow:
    return ImportRow(
        ledger=about.ledger,
        file=about.file,
        sha256=about.sha256,
        sheet=sheet.sheet,
        as_of=about.as_of,
        imported_at=about.now,
        summary=registered.summary,
    )
