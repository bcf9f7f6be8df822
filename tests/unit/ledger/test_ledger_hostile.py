"""Files nobody should have to fear: each ends in one clear line, soon, and never in a traceback."""

import io
import random
import zipfile
from pathlib import Path

import openpyxl
import pytest

from reminder.errors import ReminderError, UnreadableLedger
from reminder.ledger.grid import read_grid
from reminder.ledger.read import read_ledger

LEDGER = (Path(__file__).parents[2] / "data/ledger_2021.xlsx").read_bytes()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def repacked(change):
    """The ledger's zip with its parts changed: {name: bytes} → {name: bytes}."""
    with zipfile.ZipFile(io.BytesIO(LEDGER)) as old:
        parts = change({name: old.read(name) for name in old.namelist()})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return packed.getvalue()


def entities(parts):
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    sheet = parts["xl/worksheets/sheet1.xml"]
    return parts | {"xl/worksheets/sheet1.xml": bomb + sheet[sheet.index(b"<worksheet") :]}


def outcome(path, settings):
    """The rows that could be read, or the one line that says why none could."""
    try:
        return read_ledger(path, settings).rows
    except ReminderError as told:
        return str(told) if "\n" not in str(told) else None


FILES = {
    "an empty file": ("a.xlsx", b"", "空文件"),
    "a truncated zip": ("a.xlsx", LEDGER[: len(LEDGER) // 2], "损坏"),
    "an encrypted workbook": ("a.xlsx", OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "取消密码"),
    "a broken xls": ("a.xls", OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), "损坏"),
    "a word document": ("a.doc", OLE + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "另存为 xlsx"),
    "a WPS table": ("a.et", OLE + b"\0" * 600, "在 WPS 中另存为"),
    "a PDF": ("a.pdf", b"%PDF-1.7 " + b"x" * 99, "另存为 xlsx"),
    "a PDF called csv": ("a.csv", b"%PDF-1.7 " + b"x" * 99, "另存为 xlsx"),
    "a docx": (
        "a.docx",
        repacked(lambda _: {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}),
        "另存为",
    ),
    "a workbook with macros": ("a.xlsm", repacked(lambda p: p | {"xl/vbaProject.bin": b"x"}), "xlsm"),
    "a web page called xls": ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "网页"),
    "no content types": ("a.xlsx", repacked(lambda p: {k: v for k, v in p.items() if k[0] != "["}), "另存为"),
    "a way out of the folder": ("a.xlsx", repacked(lambda p: p | {"../../etc/x": b"x"}), "结构异常"),
    "a zip bomb": ("a.xlsx", repacked(lambda p: p | {"xl/media/a.bin": b"\0" * (60 * 2**20)}), "展开后过大"),
    "an entity bomb": ("a.xlsx", repacked(entities), "结构异常"),
    "too many parts": ("a.xlsx", repacked(lambda p: p | {f"x{n}.xml": b"" for n in range(501)}), "结构异常"),
    "text of no encoding": ("a.csv", bytes(range(128, 256)) * 3 + b"\xff\xff", "编码"),
    "binary called csv": ("a.csv", b"\x00\x01\x02" * 3, "另存为"),
}


@pytest.mark.parametrize(("name", "content", "says"), FILES.values(), ids=FILES)
def test_trusty_tools_4894_mineru_5405_the_office_is_told_in_one_line_what_to_do(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableLedger, match=says) as told:
        read_grid(path)
    assert "\n" not in str(told.value)
    with pytest.raises(UnreadableLedger, match=r"^[^\u4e00-\u9fff]+$"):
        read_grid(path, "en")


def test_places_that_hold_no_file(tmp_path):
    with pytest.raises(UnreadableLedger, match="文件夹"):
        read_grid(tmp_path)
    with pytest.raises(UnreadableLedger, match="找不到"):
        read_grid(tmp_path / "没有.xlsx")
    with pytest.raises(UnreadableLedger, match="临时文件"):
        read_grid(tmp_path / "~$台账.xlsx")
    (tmp_path / "large.csv").write_bytes(b"a,b\n" * (6 * 2**20))
    with pytest.raises(UnreadableLedger, match="20 MB"):
        read_grid(tmp_path / "large.csv")


def test_a_stray_cell_in_the_far_corner(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "序号"
    book.active.cell(1_048_576, 16_384, "x")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(UnreadableLedger, match="新建的工作簿"):
        read_grid(tmp_path / "a.xlsx")


def test_a_stray_cell_far_to_the_right_costs_no_more_than_a_wide_ledger(tmp_path, settings):
    book = openpyxl.load_workbook(io.BytesIO(LEDGER))
    book.active.cell(5, 9_000, "x")
    book.save(tmp_path / "a.xlsx")
    assert read_grid(tmp_path / "a.xlsx")[0].width == 500
    assert len(read_ledger(tmp_path / "a.xlsx", settings()).rows) == 125


def test_a_false_dimension_does_no_harm(tmp_path):
    def stretch(parts):
        name = "xl/worksheets/sheet1.xml"
        return parts | {name: parts[name].replace(b'<dimension ref="A1:O130"', b'<dimension ref="A1:XFD1048576"')}

    (tmp_path / "a.xlsx").write_bytes(repacked(stretch))
    assert len(read_grid(tmp_path / "a.xlsx")[0].rows) == 130


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_byte_is_read_or_refused(tmp_path, settings, seed):
    chance = random.Random(seed)

    def spoil(parts):
        name = chance.choice([name for name in parts if name.endswith(".xml")])
        content = bytearray(parts[name])
        for _ in range(chance.randint(1, 20)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        return parts | {name: bytes(content)}

    (tmp_path / "a.xlsx").write_bytes(repacked(spoil))
    assert outcome(tmp_path / "a.xlsx", settings())
