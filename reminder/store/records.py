"""What decided when: the configuration as each cycle found it, written down whenever it differs from the last one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from reminder.store.tables import ConfigurationRow


def keep_record(session: Session, now: datetime, record: Mapping[str, Any]) -> None:
    """Notes that from `now` on this record decides; nothing where it did already."""
    digest = sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    latest = select(ConfigurationRow.digest).order_by(col(ConfigurationRow.id).desc()).limit(1)
    if record and session.exec(latest).first() != digest:
        session.add(ConfigurationRow(since=now, digest=digest, record=dict(record)))


def records(session: Session) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Every record with the instant from which it decided, the oldest first."""
    rows = session.exec(select(ConfigurationRow).order_by(col(ConfigurationRow.since), col(ConfigurationRow.id)))
    return [(row.since, row.record) for row in rows]
