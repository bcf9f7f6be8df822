"""The table of evidence: what a unit sent with its report to show that a measure was carried out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, LargeBinary
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401 - constraints are named as it says


class EvidenceRow(SQLModel, table=True):
    """A file, or the address of one. Files lie here and not in a folder: backups hold them, and nothing serves them
    but the page that knows who asks."""

    __tablename__ = "evidence"

    id: int | None = Field(default=None, primary_key=True)
    measure_id: int = Field(sa_column=Column(ForeignKey("measure.id", ondelete="CASCADE"), index=True, nullable=False))
    unit: str
    by: str
    url: str = ""
    name: str = ""
    media: str = ""
    sha256: str = ""
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    recorded_at: datetime
