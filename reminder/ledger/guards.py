"""What a file is before anybody parses it: size, zip structure, encryption, foreign formats. Runs in the child."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

MAX_FILE = 20 * 2**20
MAX_ENTRIES = 500
MAX_UNPACKED = 100 * 2**20
MAX_RATIO = 100
_SMALL = 2**20  # below this a high ratio is only repetition
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT_SUFFIXES = {".csv", ".txt", ".tsv"}


class Refused(Exception):
    """The file is not read; `why` names the sentence `ledger.unreadable_<why>`."""

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts


def file_kind(path: Path) -> str:
    """xlsx, ods, xls or csv, after all checks that need no parser; else Refused."""
    if path.stat().st_size > MAX_FILE:
        raise Refused("too_large", limit=MAX_FILE // 2**20)
    data = path.read_bytes()
    if not data.strip():
        raise Refused("empty")
    if path.suffix.lower() in {".et", ".ett", ".wps"}:
        raise Refused("wps")
    if data.startswith(_OLE):
        return _ole_kind(data)
    if data.startswith(b"PK"):
        return _zip_kind(path)
    if path.suffix.lower() in _TEXT_SUFFIXES and not data.startswith(b"%PDF"):
        return "csv"
    raise Refused(
        "web_page" if re.match(rb"(?:\xef\xbb\xbf)?\s*<", data[:200]) else "foreign", suffix=path.suffix or path.name
    )


def _ole_kind(data: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Refused("encrypted")
    if "Workbook".encode("utf-16-le") in data or "Book".encode("utf-16-le") in data:
        return "xls"
    raise Refused("foreign", suffix=".doc")


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, path.stat().st_size)
            return _package_kind(archive, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as fault:
        raise Refused("encrypted" if "password" in str(fault) else "damaged") from fault
    except Exception as fault:  # zlib, lzma and bz2 each raise their own
        if isinstance(fault, (Refused, MemoryError)):
            raise
        raise Refused("damaged") from fault


def _check_entries(archive: zipfile.ZipFile, packed: int) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused("hostile")
    if any(".." in re.split(r"[/\\]", entry.filename) for entry in entries):
        raise Refused("hostile")
    total = 0
    for entry in entries:
        with archive.open(entry) as stream:  # what the directory declares need not be true
            head = b""
            while chunk := stream.read(2**16):
                total += len(chunk)
                if total > MAX_UNPACKED or (total > _SMALL and total > packed * MAX_RATIO):
                    raise Refused("hostile")
                if entry.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in head + chunk:
                    raise Refused("hostile")
                head = chunk[-16:]


def _package_kind(archive: zipfile.ZipFile, path: Path) -> str:
    names = set(archive.namelist())
    if "content.xml" in names and "mimetype" in names:
        if not archive.read("mimetype").startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            raise Refused("foreign", suffix=path.suffix)
        if b"encryption-data" in (archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""):
            raise Refused("encrypted")
        return "ods"
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise Refused("foreign", suffix=path.suffix)
    if b"macroEnabled" in archive.read("[Content_Types].xml") or "xl/vbaProject.bin" in names:
        raise Refused("foreign", suffix=".xlsm")
    return "xlsx"
