"""The office's letters (函): recorded when they are sent, one for each addressee, and when the reply comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlmodel import Session, col, select

from reminder.office.act import Office
from reminder.store.tables import LetterRow

State = Literal["waiting", "overdue", "replied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One letter to several bodies. `reply_by` is the date it names, if any."""

    to: Sequence[str]
    about: str
    on: date
    reply_by: date | None = None
    by: str = ""


def send(session: Session, sending: Sending, office: Office) -> list[int]:
    """Records a letter to each addressee, in the caller's transaction; returns their numbers.

    Raises:
        UsageError: nothing is said, nobody is written to, or the days are in the wrong order.
    """
    bodies = list(dict.fromkeys(body.strip() for body in sending.to))
    if not sending.about.strip() or not all(bodies):
        raise office.refuse("letter_needs")
    _not_in_future(sending.on, office)
    if sending.reply_by and sending.reply_by < sending.on:
        raise office.refuse("letter_order", reply_by=sending.reply_by, on=sending.on)
    rows = [
        LetterRow(
            addressee=body,
            about=sending.about.strip(),
            sent_on=sending.on,
            reply_by=sending.reply_by,
            by=sending.by.strip(),
            recorded_at=office.now,
        )
        for body in bodies
    ]
    session.add_all(rows)
    session.flush()
    return [row.id or 0 for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """When the reply came, who recorded it, and what it says."""

    on: date
    by: str = ""
    because: str = ""


def replied(session: Session, number: int, reply: Reply, office: Office) -> LetterRow:
    """Ends the wait for the letter `number`.

    Raises:
        UsageError: there is no such letter, it was answered already, or the day is impossible.
    """
    row = session.exec(select(LetterRow).where(LetterRow.id == number).with_for_update()).first()
    if row is None:
        raise office.refuse("letter_unknown", id=number)
    if row.replied_on:
        raise office.refuse("letter_replied", id=number, on=row.replied_on)
    _not_in_future(reply.on, office)
    if reply.on < row.sent_on:
        raise office.refuse("letter_reply_order", on=reply.on, sent_on=row.sent_on)
    row.replied_on, row.replied_by, row.because = reply.on, reply.by.strip(), reply.because.strip()
    session.add(row)
    return row


def listed(
    session: Session, due_on: Callable[[LetterRow], date | None], today: date, some: slice | None = None
) -> list[dict[str, Any]]:
    """Every letter as `letter list --json` tells it, the oldest first; `due_on` says when its reply is due.

    With `some` only so many of them: those that wait before those that were answered, the newest first.
    """
    sent_on, key = col(LetterRow.sent_on), col(LetterRow.id)
    if some is None:
        wanted = select(LetterRow).order_by(sent_on, key)
    else:
        answered = col(LetterRow.replied_on).is_not(None)
        wanted = select(LetterRow).order_by(answered, sent_on.desc(), key.desc()).slice(some.start, some.stop)
    rows = session.exec(wanted)
    told = ("id", "addressee", "about", "sent_on", "reply_by")
    return [
        {name: getattr(row, name) for name in told}
        | {"due_on": due_on(row), "replied_on": row.replied_on, "state": _state(row, due_on(row), today)}
        for row in rows
    ]


def _state(row: LetterRow, due: date | None, today: date) -> State:
    if row.replied_on:
        return "replied"
    return "overdue" if due and due < today else "waiting"


def _not_in_future(on: date, office: Office) -> None:
    if on > office.today:
        raise office.refuse("day_future", on=on, today=office.today)
