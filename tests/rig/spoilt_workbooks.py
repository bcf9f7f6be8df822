"""The ledger of 2021 in every format an office saves, and what disks, mail servers and enemies make of it."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

_LEDGER = Path(__file__).parents[1] / "data" / "ledger_2021.csv"
_ROWS = 25  # enough for every shape of cell; a hundred more would only be slow
_NASTY = (
    *(b"\x00", b"\xff\xff", b"&a;", b"<!DOCTYPE x>", b"]]>", b"<![CDATA[", b"=1+1", b'"', b"\r\n", b"9" * 400),
    *(b"1e999", b"-1", b"4294967296", b"A1:XFD1048576", b"XFE1048577", b"9999-99-99", b"0000-00-00", b"NaN"),
    *(
        "２０２１年１３月３２日".encode(),
        "序号".encode(),
        "\ud83d\ude00".encode("utf-16-le", "surrogatepass"),
        b"\xef\xbb\xbf",
    ),
)


@dataclass(frozen=True)
class Workbook:
    """A file's name and bytes, and how the bytes were made."""

    name: str
    content: bytes
    how: str


def sound() -> dict[str, bytes]:
    """The same rows as xlsx, xls, ods and csv in the encodings that occur."""
    with _LEDGER.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.reader(stream))[: _ROWS + 1]
    text = "\r\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in line) for line in lines)
    files = {f"a-{code}.csv": text.encode(code) for code in ("utf-8-sig", "gb18030", "utf-16")}
    return {"a.xlsx": _xlsx(lines), "a.xls": _xls(lines), "a.ods": _ods(lines), **files}


def _xlsx(lines: list[list[str]]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.active.merge_cells("B2:B5")
    book.save(out)
    return out.getvalue()


def _xls(lines: list[list[str]]) -> bytes:
    book, out = xlwt.Workbook(encoding="utf-8"), io.BytesIO()
    sheet = book.add_sheet("台账")
    for r, line in enumerate(lines):
        for c, cell in enumerate(line):
            sheet.write(r, c, cell)
    book.save(out)
    return out.getvalue()


def _ods(lines: list[list[str]]) -> bytes:
    document, table, out = OpenDocumentSpreadsheet(), Table(name="台账"), io.BytesIO()
    for line in lines:
        row = TableRow()
        for cell in line:
            made = TableCell(valuetype="string")
            made.addElement(P(text=cell))
            row.addElement(made)
        table.addElement(row)
    document.spreadsheet.addElement(table)
    document.save(out)
    return out.getvalue()


def spoilt(files: Mapping[str, bytes], seed: int) -> Workbook:
    """One of `files` spoilt in one to three ways; the same for the same seed."""
    dice = Random(seed)
    name = dice.choice(sorted(files))
    content, told = files[name], []
    for _ in range(dice.randint(1, 3)):
        ways = (*_BYTES, *_PARTS) if content.startswith(b"PK") and name[-4:] in ("xlsx", ".ods") else _BYTES
        way = dice.choice(ways)
        content = way(content, dice)
        told.append(way.__name__)
    if dice.random() < 0.03:
        name = dice.choice(sorted(files))  # called like another format
    return Workbook(name, content, f"seed {seed}: {name}, {'+'.join(told)}")


def flipped(content: bytes, dice: Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 3, 30))):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut(content: bytes, dice: Random) -> bytes:
    """The end is missing."""
    return content[: dice.randrange(len(content) + 1)]


def torn(content: bytes, dice: Random) -> bytes:
    """A stretch is missing, doubled or full of zeros."""
    start = dice.randrange(len(content) + 1)
    length = dice.choice((1, 16, 512, 4096))
    piece = content[start : start + length]
    return content[:start] + dice.choice((b"", piece * 2, piece * 40, b"\x00" * len(piece))) + content[start + length :]


def stuffed(content: bytes, dice: Random) -> bytes:
    """Something stands where it should not."""
    start = dice.randrange(len(content) + 1)
    return content[:start] + dice.choice(_NASTY) + content[start:]


def _inside(change: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random], bytes]:
    def within(content: bytes, dice: Random) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as old:
                parts = {name: old.read(name) for name in old.namelist()}
        except Exception:  # an earlier way has spoilt the zip itself
            return change(content, dice)
        if not parts:
            return content
        name = dice.choice(sorted(parts))
        parts[name] = change(parts[name], dice)
        return _packed(parts, dice)

    within.__name__ = f"part_{change.__name__}"
    return within


def _packed(parts: Mapping[str, bytes], dice: Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def retyped(content: bytes, dice: Random) -> bytes:
    """A cell's value or a number of the structure is another."""
    spots = [n for n in range(len(content) - 1) if content[n : n + 1] in (b">", b'"', b",")]
    if not spots:
        return content
    start = dice.choice(spots) + 1
    end = min((n for n in (content.find(mark, start) for mark in (b"<", b'"', b",")) if n > 0), default=start)
    return content[:start] + dice.choice(_NASTY) + content[end:]


def recoded(content: bytes, dice: Random) -> bytes:
    """Saved in another encoding than it says."""
    text = content.decode("utf-8", "replace")
    return text.encode(dice.choice(("utf-16", "utf-16-le", "gb18030", "latin-1", "utf-32")), "replace")


def bloated(content: bytes, dice: Random) -> bytes:
    """Far larger than it looks when it is packed."""
    start = dice.randrange(len(content) + 1)
    return (
        content[:start]
        + dice.choice((b" ", b"\x00", b"<c/>", b"<row/>")) * dice.choice((10**4, 10**6))
        + content[start:]
    )


_BYTES = (flipped, cut, torn, stuffed, retyped, recoded)
_PARTS = tuple(_inside(change) for change in (flipped, cut, torn, stuffed, retyped, retyped, recoded, bloated))
