"""A workbook that was uploaded and looked at, until somebody accepts it or an hour has passed."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from reminder.store import tables  # noqa: F401 - constraints are named as it says


class UploadRow(SQLModel, table=True):
    """One upload, and how it is to be imported. Whoever uploaded it is the one who may accept it."""

    __tablename__ = "upload"

    id: int | None = Field(default=None, primary_key=True)
    by: str
    file: str
    sheet: str | None = None
    ledger: str = ""
    as_of: date
    renumbered: bool = False
    uploaded_at: datetime
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
