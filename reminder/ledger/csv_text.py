"""A text file as rows of cells: the encoding ladder and the delimiter. Runs in the child."""

from __future__ import annotations

import csv
import io

from reminder.ledger.guards import Refused

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def read_csv(data: bytes) -> list[list[str]]:
    """The rows of a CSV file in utf-8, utf-16 or gb18030, separated by comma, semicolon or tab."""
    text = _decoded(data)
    if "\0" in text:
        raise Refused("foreign", suffix=".csv")
    csv.field_size_limit(2**20)
    try:
        return [
            [_unescaped(cell) for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        ]
    except csv.Error as fault:
        raise Refused("damaged") from fault


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _decode(data, encoding)
    if data[:400].count(0) > 20:  # utf-16 without a mark: every other byte of a figure or a comma is zero
        return _decode(data, "utf-16-le" if data[1:400:2].count(0) >= data[:400:2].count(0) else "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(data, "gb18030")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as fault:
        raise Refused("encoding") from fault


def _delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:20])
    return max(",;\t", key=head.count) if any(mark in head for mark in ",;\t") else ","


def _unescaped(cell: str) -> str:
    """Exports put a quote before what a spreadsheet would take for a formula; it is taken off again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_STARTS else cell
