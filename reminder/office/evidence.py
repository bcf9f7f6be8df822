"""Evidence that units send with a report: bounded in size and kind, kept in the database."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from reminder.office.act import Office
from reminder.store.evidence_tables import EvidenceRow

LARGEST = 5 * 2**20
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
KINDS = {  # how such a file begins, whatever its name says
    ".pdf": (b"%PDF-",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".docx": (_ZIP,),
    ".xlsx": (_ZIP,),
    ".doc": (_OLE,),
    ".xls": (_OLE,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file (`name`, `body`), or the address of one."""

    url: str = ""
    name: str = ""
    body: bytes = b""

    def checked(self, office: Office) -> Evidence:
        """The same with a name that is only a name. UsageError where it is too large or of a kind not taken."""
        if self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname or len(self.url) > 500:
                raise office.refuse("evidence_url", url=self.url[:80])
            return self
        name = _bare(self.name)
        if len(self.body) > LARGEST:
            raise office.refuse("evidence_large", name=name, most=LARGEST // 2**20)
        begins = KINDS.get(PurePosixPath(name).suffix.lower(), ())
        if not self.body.startswith(begins or b"\0never"):
            raise office.refuse("evidence_kind", name=name, kinds=" ".join(sorted(KINDS)))
        return Evidence(name=name, body=self.body)

    @property
    def digest(self) -> str:
        """What tells it from another."""
        return sha256(self.url.encode() + self.body).hexdigest()


def _bare(name: str) -> str:
    """The last part of a name without what could mislead: paths, control characters, great length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if c.isprintable()).strip(". ")
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[:80]}{dot}{suffix[:5]}"


def keep(session: Session, measure_id: int, evidence: Evidence, unit: str, by: str, office: Office) -> None:  # noqa: PLR0913, PLR0917 - a row has so many facts
    """Keeps checked evidence for a measure; the very same is kept once."""
    known = select(EvidenceRow.id).where(
        col(EvidenceRow.measure_id) == measure_id, col(EvidenceRow.sha256) == evidence.digest
    )
    if session.exec(known).first() is None:
        session.add(
            EvidenceRow(
                measure_id=measure_id,
                unit=unit,
                by=by,
                url=evidence.url,
                name=evidence.name,
                media="application/octet-stream" if evidence.body else "",
                sha256=evidence.digest,
                body=evidence.body or None,
                recorded_at=office.now,
            )
        )
