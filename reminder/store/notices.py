"""What the office has to be told once: recorded where it happens, gathered into one message, never told twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, text, update
from sqlmodel import Session, col, func, select

from reminder.store.insert import insert_into
from reminder.store.outbox_tables import DEAD, MessageRow
from reminder.store.service_tables import NoticeRow

DEAD_LETTER = "dead_letter"
HELD = "held"  # by a guard
TEMPLATE = "template_fault"
CONFIGURATION = "configuration_refused"
STANDBY = "standby"
CHANNEL = "channel_broken"
_TABLE = NoticeRow.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
_LASTING = col(NoticeRow.over_at).is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the office has to know. Two with one `key` are the same thing as long as it lasts.

    The sentence of `code` is `words/desk.toml`'s, filled in with `facts`. `about` is the message it is about, and
    `not_by` the channel that has just failed.
    """

    key: str
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    about: int | None = None
    not_by: str = ""


def note(session: Session, notice: Notice, now: datetime) -> bool:
    """Records what the office has to be told; False where it is recorded already and not yet over."""
    values = {
        "key": notice.key,
        "code": notice.code,
        "facts": dict(notice.facts),
        "about": notice.about,
        "not_by": notice.not_by,
        "recorded_at": now,
        "told_in": "",
    }
    connection = session.connection()
    statement = insert_into(_TABLE, connection).on_conflict_do_nothing(index_elements=["key"], index_where=_LASTING)
    return connection.execute(statement.values(**values).returning(_TABLE.c.id)).first() is not None


def broken(destination: str) -> str:
    """The key of the notice that nothing goes to this destination before somebody mends it."""
    return f"{CHANNEL}:{destination}"


def over(session: Session, now: datetime, *, key: str = "", code: str = "") -> None:
    """Ends the notice of this key, or all of this code: should it happen again, the office is told again."""
    which = col(NoticeRow.key) == key if key else col(NoticeRow.code) == code
    session.connection().execute(update(NoticeRow).where(which, _LASTING).values(over_at=now))


def untold(session: Session) -> Sequence[NoticeRow]:
    """What nobody has been told yet, in its order; what is over before it was told need not be."""
    return session.exec(select(NoticeRow).where(NoticeRow.told_in == "", _LASTING).order_by(col(NoticeRow.id))).all()


def told_in(session: Session, own: str) -> Sequence[NoticeRow]:
    """What the message `own` tells."""
    return session.exec(select(NoticeRow).where(NoticeRow.told_in == own).order_by(col(NoticeRow.id))).all()


def lasting(session: Session) -> Sequence[NoticeRow]:
    """What was noticed and is not over yet, the letters that failed left out: the outbox knows them."""
    wanted = select(NoticeRow).where(_LASTING, NoticeRow.code != DEAD_LETTER)
    return session.exec(wanted.order_by(col(NoticeRow.id))).all()


def assign(session: Session, rows: Sequence[NoticeRow], own: str) -> None:
    """From now on these are told by the message `own`."""
    for row in rows:
        row.told_in = own
        session.add(row)


def note_dead_letters(session: Session, now: datetime) -> None:
    """Notes every message that failed and was not noted yet, wherever it failed; one tried again is over."""
    noted = select(NoticeRow.id).where(NoticeRow.about == MessageRow.id, NoticeRow.code == DEAD_LETTER, _LASTING)
    dead = select(MessageRow).where(text(DEAD), ~noted.exists())
    for row in session.exec(dead.order_by(col(MessageRow.id))).all():
        facts = {"id": str(row.id), "recipient": row.recipient, "channel": row.channel, "why": row.why, "own": row.own}
        key = f"{DEAD_LETTER}:{row.id}"
        note(session, Notice(key=key, code=DEAD_LETTER, facts=facts, about=row.id, not_by=row.channel), now)
    still = select(MessageRow.id).where(MessageRow.id == NoticeRow.about, text(DEAD))
    revived = and_(col(NoticeRow.code) == DEAD_LETTER, _LASTING, ~still.exists())
    session.connection().execute(update(NoticeRow).where(revived).values(over_at=now))


def last_told_at(session: Session) -> datetime | None:
    """When the latest message with notices was made; None where none ever was."""
    return session.exec(select(func.max(MessageRow.created_at)).where(col(MessageRow.own).like("notice:%"))).one()
