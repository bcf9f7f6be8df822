"""What calamine does not tell: error cells, the 1904 calendar (xlsx) and merged cells (ods). Runs in the child."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from defusedxml.ElementTree import fromstring, iterparse

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_CELL = re.compile(rb'<c\s(?:[^>]*?\s)?r="([A-Z]{1,3})(\d+)"([^>]*)(?<!/)>(.*?)</c>', re.DOTALL)
_VALUE = re.compile(rb"<v>([^<]+)</v>")
_MERGE_LIMIT = 20_000

Place = tuple[int, int]
Merge = tuple[int, int, int, int]


def workbook_facts(path: Path) -> tuple[bool, dict[str, dict[Place, str]]]:
    """Whether the workbook counts from 1904, and by sheet the cells that hold an error or an uncomputed formula."""
    with zipfile.ZipFile(path) as archive:
        book = fromstring(archive.read("xl/workbook.xml"))
        names = set(archive.namelist())
        rels_name = "xl/_rels/workbook.xml.rels"
        rels = (
            {r.get("Id"): r.get("Target", "") for r in fromstring(archive.read(rels_name))}
            if rels_name in names
            else {}
        )
        properties = book.find("{*}workbookPr")
        since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        errors = {}
        for sheet in book.iterfind("{*}sheets/{*}sheet"):
            target = rels.get(sheet.get(f"{_R}id"), "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in names:
                errors[sheet.get("name", "")] = _errors(archive.read(part))
    return since_1904, errors


def _errors(xml: bytes) -> dict[Place, str]:
    found = {}
    for column, row, attributes, inner in _CELL.findall(xml) if b't="e"' in xml or b"<f" in xml else ():
        value = _VALUE.search(inner)
        if b't="e"' in attributes:
            found[int(row) - 1, _column(column)] = value[1].decode("utf-8", "replace") if value else "#VALUE!"
        elif b"<f" in inner and value is None and b't="str"' not in attributes:
            found[int(row) - 1, _column(column)] = "#CALC!"
    return found


def _column(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def ods_merges(path: Path) -> dict[str, list[Merge]]:
    """The merged ranges of each sheet, as (first row, first column, last row, last column) from 0."""
    merges: dict[str, list[Merge]] = {}
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        row = column = 0
        for event, element in iterparse(stream, events=("start", "end")):
            if event == "start" and element.tag == f"{_TABLE}table":
                here = merges.setdefault(element.get(f"{_TABLE}name", ""), [])
                row = 0
            elif event == "start" and element.tag == f"{_TABLE}table-row":
                column = 0
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                row += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                element.clear()
            elif event == "end" and element.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                down = int(element.get(f"{_TABLE}number-rows-spanned", "1"))
                across = int(element.get(f"{_TABLE}number-columns-spanned", "1"))
                if (down > 1 or across > 1) and len(here) < _MERGE_LIMIT:
                    here.append((row, column, row + down - 1, column + across - 1))
                column += int(element.get(f"{_TABLE}number-columns-repeated", "1"))
    return merges


def counts_from_1904(data: bytes) -> bool:
    """Whether an .xls says so in its DATEMODE record."""
    return b"\x22\x00\x02\x00\x01\x00" in data and b"\x22\x00\x02\x00\x00\x00" not in data
