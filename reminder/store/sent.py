"""What was sent: reminders whose message a peer's server accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from reminder.store.outbox_tables import MessageRow, PayloadRow, ReminderRow


@dataclass(frozen=True, slots=True)
class Sent:
    """One reminder and the message it travelled in. `sent_at` is on the office's clock."""

    kind: str
    unit: str
    recipient: str
    message_id: str
    sent_at: datetime
    payload: bytes


def sent_reminders(session: Session, zone: ZoneInfo) -> list[Sent]:
    """Every reminder that was sent, in the order of sending."""
    joined = select(ReminderRow, MessageRow, PayloadRow.content).where(
        ReminderRow.message_pk == MessageRow.id, PayloadRow.message_pk == MessageRow.id, MessageRow.state == "sent"
    )
    rows = session.exec(joined.order_by(col(MessageRow.finished_at), col(ReminderRow.id)))
    return [
        Sent(
            kind=reminder.kind,
            unit=reminder.unit,
            recipient=reminder.recipient,
            message_id=message.message_id,
            sent_at=message.finished_at.astimezone(zone),
            payload=payload,
        )
        for reminder, message, payload in rows
        if message.finished_at is not None and reminder.outcome is None
    ]
