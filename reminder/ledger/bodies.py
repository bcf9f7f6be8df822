"""The bodies named in a cell: split, told apart by role, and called by their canonical names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reminder.ledger.text import is_nothing, plain, squeeze

_HARD = re.compile(r"[、,;/|\\+&·]+")
_LABEL = re.compile(r"(牵头|主责|责任|主办|承办|配合|协办|参与|协同)(?:责任)?(?:单位|部门|科室)?\s*:")
_NOTE = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|【([^【】]*)】|〔([^〔〕]*)〕")
_HELPING = re.compile(r"配合|协办|参与|协同|协助")
_ROLE = re.compile(r"(?:牵头|主责|主办|承办|负责|责任|配合|协办|参与|协同|协助)(?:单位|部门)?")
_SENTENCE = re.compile(  # 由A牵头,B、C配合
    r"由?([^():;]+?)(?:负责)?牵头(?:负责|实施|落实)?(?:[,;。]?([^():;]+?)(?:配合|协办|参与|协同|协助)(?:实施|落实)?)?[。.]?"
)
_BULLET = re.compile(r"^(?:\d{1,2}\.|[★☆*●▲■◆])")
_TAIL = re.compile(
    r"(?:等(?:部门|单位)?|为主|牵头|负责|落实|按(?:照)?职责(?:分工)?(?:负责|落实)?|(?P<helps>配合|协办|参与|协助))$"
)
_AND = re.compile(r"和|及|与|以及")
_SHORTEST = 3  # shorter pieces are a name spaced out: 建 设 局


@dataclass(frozen=True, slots=True)
class Bodies:
    """Who leads and who helps."""

    leading: tuple[str, ...] = ()
    helping: tuple[str, ...] = ()


def read_bodies(text: str, names: Mapping[str, str]) -> Bodies:
    """The bodies in `text`, canonical where `names` knows them, else as written without blanks."""
    known = {squeeze(alias): name for alias, name in names.items()}
    leading: list[str] = []
    helping: list[str] = []
    for section, helps in _sections(plain(text)):
        for part in _HARD.split(section):
            for piece in _pieces(part, known):
                name, assists = _named(piece, known)
                if name and not is_nothing(name):
                    (helping if helps or assists else leading).append(name)
    return Bodies(tuple(dict.fromkeys(leading)), tuple(dict.fromkeys(helping)))


def _sections(text: str) -> list[tuple[str, bool]]:
    """牵头:A;配合:B → [(A, False), (B, True)]."""
    labels = list(_LABEL.finditer(text))
    if not labels:
        said = _SENTENCE.fullmatch(text)
        return [(said[1], False), (said[2] or "", True)] if said else [(text, False)]
    ends = [label.start() for label in labels[1:]] + [len(text)]
    head = [(text[: labels[0].start()], False)]
    return head + [
        (text[label.end() : end], bool(_HELPING.match(label[1]))) for label, end in zip(labels, ends, strict=True)
    ]


def _pieces(part: str, known: Mapping[str, str]) -> list[str]:
    whole = squeeze(part)
    if _canonical(whole, known):
        return [whole]
    for pieces in (part.split(), _AND.split(whole)):
        if len(pieces) > 1 and all(_canonical(piece, known) for piece in pieces):
            return pieces
    pieces = part.split()
    # a name broken over two lines keeps a head of its own: 创新创业 / 服务中心 is settled by the directory above
    return pieces if len(pieces) > 1 and all(len(_NOTE.sub("", piece)) >= _SHORTEST for piece in pieces) else [whole]


def _canonical(text: str, known: Mapping[str, str]) -> str | None:
    return known.get(text) or known.get(_NOTE.sub("", text))


def _named(piece: str, known: Mapping[str, str]) -> tuple[str, bool]:
    notes = ["".join(groups) for groups in _NOTE.findall(piece)]
    role = bool(notes) and all(_ROLE.fullmatch(note) for note in notes)
    bare = _BULLET.sub("", piece)
    tail = _TAIL.search(bare)
    if tail and (name := _canonical(bare[: tail.start()], known)) and not _canonical(bare, known):
        return name, bool(tail["helps"])
    name = _canonical(piece, known) or _canonical(bare, known) or (_NOTE.sub("", piece) if role else piece)
    return name, role and any(_HELPING.search(note) for note in notes)  # 建设局(财政局配合) leads all the same
