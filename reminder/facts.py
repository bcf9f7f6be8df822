"""What commands with --json and the API tell: each thing in the contract's JSON, told once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from reminder.compose import sentence
from reminder.domain.measure import Measure
from reminder.domain.reminder import Reminder
from reminder.explain import Account
from reminder.explain.sentences import result, why
from reminder.store.messages import Posted


def measure_facts(measure: Measure, today: date) -> dict[str, Any]:
    """A measure in the contract's JSON."""
    return {
        "ledger": measure.ledger,
        "code": measure.code,
        "problem": measure.problem or measure.problem_text,
        "measure": measure.text,
        "aspect": measure.aspect,
        "units": list(measure.units),
        "supporting_units": list(measure.supporting_units),
        "leader": measure.leader,
        "deadline": {
            "kind": measure.deadline.kind.value,
            "date": measure.deadline.on,
            "rule": measure.deadline.rule,
            "text": measure.deadline.text,
        },
        "status": measure.status_on(today).value,
        "percent": measure.percent,
        "progress_on": measure.progress_on,
        "closed_on": measure.closing_day(today),
        "colour": measure.colour(today),
    }


def reminder_facts(reminder: Reminder, locale: str) -> dict[str, Any]:
    """A reminder in the contract's JSON."""
    firing = reminder.firing
    return {
        "at": firing.at.isoformat(),
        "occasion": firing.occasion.isoformat(),
        "rule": firing.rule,
        "kind": firing.kind.value,
        "unit": firing.unit,
        "recipient": reminder.recipient,
        "channel": reminder.channel,
        "message": reminder.message,
        "measures": [{"code": line.measure.code, "days": list(line.days)} for line in firing.lines],
        "late": reminder.late,
        "provisional": firing.provisional,
        "reason": sentence(locale, firing.reason),
    }


def account_facts(account: Account, locale: str, zone: ZoneInfo) -> dict[str, Any]:
    """One rule's answer."""
    return {
        "day": account.day.isoformat(),
        "unit": account.unit,
        "rule": account.rule,
        "measures": list(account.measures),
        "fired": account.fired,
        "state": account.state,
        "reason": sentence(locale, why(account)),
        "reason_code": why(account).code,
        "kind": account.kind or None,
        "at": _local(zone, account.at),
        "recipient": account.recipient or None,
        "channel": account.channel or None,
        "instead_of": account.instead_of or None,
        "late": account.late,
        "provisional": account.provisional,
        "message": account.message,
        "addresses": list(account.addresses),
        "attempts": [
            {"at": _local(zone, each.at), "outcome": each.outcome, "code": each.code, "text": each.text}
            for each in account.attempts
        ],
        "result": result(locale, zone, account),
    }


def message_facts(one: Posted, zone: ZoneInfo) -> dict[str, Any]:
    """A message in the contract's JSON."""
    return {
        "id": one.id,
        "message_id": one.message_id,
        "own": one.own,
        "state": one.state,
        "channel": one.channel,
        "recipient": one.recipient,
        "subject": one.subject,
        "kinds": list(one.kinds),
        "measures": list(one.measures),
        "created_at": _local(zone, one.created_at),
        "late": one.late,
        "why": one.why,
        "attempts": [
            {"at": _local(zone, each.at), "outcome": each.outcome, "code": each.code, "text": each.text}
            for each in one.attempts
        ],
        "next_attempt_at": _local(zone, one.next_attempt_at),
    }


def _local(zone: ZoneInfo, moment: datetime | None) -> str | None:
    """An instant on the office's clock, as ISO 8601 with its offset."""
    return moment.astimezone(zone).isoformat() if moment else None
