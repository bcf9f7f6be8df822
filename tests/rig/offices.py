"""Small offices for the rigs: many units, measures with codes that can be found again in bytes, real channels."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import date, time
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel, col, select

from reminder.channels import CHANNELS, open_channel
from reminder.cycle.service import Service
from reminder.domain.people import OFFICE, Directory, Party, Unit
from reminder.rules.hours import SendingHours
from reminder.store.engine import open_engine, reading, upgrade, writing
from reminder.store.tables import MeasureRow, MeasureUnitRow
from tests.makers import a_practice
from tests.rig.peers import Receiver


@cache
def _template() -> bytes:
    """An empty SQLite database, made once in a process: a file that outlives it would keep an old schema."""
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        file = Path(folder) / "template.db"
        engine = open_engine(f"sqlite:///{file}")
        upgrade(engine)
        engine.dispose()  # the last connection writes its log into the file
        return file.read_bytes()


@cache
def _brought_up_to_date(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def empty_database(folder: Path, url: str | None) -> str:
    """A database with the present schema and nothing in it: a copy of a template, or an emptied PostgreSQL."""
    if url is None:
        (folder / "reminder.db").write_bytes(_template())
        return f"sqlite:///{folder}/reminder.db"
    _brought_up_to_date(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        tables = ", ".join(SQLModel.metadata.tables)
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the log is append-only otherwise
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return url


def mail_keys(peer: Receiver, **more: Any) -> Any:
    """Keys of an e-mail channel that leads to the receiver."""
    sender = "整改办 <office@example.org>"
    own = {"kind": "email", "host": "127.0.0.1", "port": peer.smtp, "tls": "none", "sender": sender}
    return CHANNELS["email"].Keys.model_validate(own | more)


def hook_keys(peer: Receiver, path: str = "hook", **more: Any) -> Any:
    """Keys of a webhook that leads to the receiver."""
    own = {"kind": "webhook", "url": f"http://127.0.0.1:{peer.http}/{path}", "allow_private": ["127.0.0.0/8"]}
    return CHANNELS["webhook"].Keys.model_validate(own | more)


def robot_keys(peer: Receiver, **more: Any) -> Any:
    """Keys of a WeCom robot that leads to the receiver."""
    os.environ["RIG_ROBOT_URL"] = f"http://127.0.0.1:{peer.http}/robot"
    own = {"kind": "wecom", "url": {"env": "RIG_ROBOT_URL"}, "allow_private": ["127.0.0.0/8"]}
    return CHANNELS["wecom"].Keys.model_validate(own | more)


def unit(number: int, channel: str = "mail") -> Unit:
    """Unit `U3`, written to at u3@example.org."""
    return Unit(name=f"U{number}", channels=(channel,), addresses={channel: (f"u{number}@example.org",)})


def service(engine: Engine, folder: Path, units: list[Unit], channels: Mapping[str, Any], **more: Any) -> Service:
    """A service as `app` would put it together. `channels` are keys by name."""
    own: dict[str, Any] = {
        "engine": engine,
        "rules": (),
        "directory": Directory(
            units={one.name: one for one in units},
            leaders={},
            office=Party(name=OFFICE, channels=("mail",), addresses={"mail": ("office@example.org",)}),
        ),
        "practice": a_practice(),
        "hours": SendingHours(time(8, 30), time(18)),
        "most_per_day": 1000,
        "channels": {name: partial(open_channel, name, keys, folder) for name, keys in channels.items()},
        "locale": "zh_CN",
        "office_name": "巡察整改办公室",
        "domain": "example.org",
    }
    return Service(**own | more)


def add_measures(engine: Engine, rows: list[tuple[str, str, str, date]]) -> None:
    """Measures in one transaction: (code, unit, aspect, deadline)."""
    with writing(engine) as session:
        session.add_all(
            MeasureRow(
                code=code,
                text=f"措施 {code}",
                aspect=aspect,
                deadline_kind="date",
                deadline_on=deadline,
                status="in_progress",
                known_on=date(2021, 1, 1),
            )
            for code, _, aspect, deadline in rows
        )
        session.flush()
        ids = dict(session.exec(select(MeasureRow.code, MeasureRow.id)).all())
        session.add_all(
            MeasureUnitRow(measure_id=ids[code] or 0, role="responsible", position=0, unit=name)
            for code, name, _, _ in rows
        )


def rows(engine: Engine, table: type[Any]) -> list[Any]:
    """All rows of a table, in their order."""
    with reading(engine) as session:
        found = list(session.exec(select(table).order_by(col(table.id))))
        _detach(session)
        return found


def _detach(session: Session) -> None:
    session.expunge_all()
