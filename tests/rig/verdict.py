"""What was received in a month, held against the oracle: nothing missing, nothing extra, late only where explained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reminder.store.outbox_tables import DeliveryRow, MessageRow, ReminderRow
from reminder.store.tables import MeasureRow
from tests.makers import SHANGHAI
from tests.rig import offices, oracle
from tests.rig.days import chased
from tests.rig.month import FIRST, LAST, Life
from tests.rig.oracle import Fact

PERMANENT = ("550", "400", "410")


@dataclass
class Verdict:
    """`wrong` is empty where the ledger equals the oracle; the other figures say how much was at stake."""

    wrong: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)


class _Books:
    """Database and ledger, read once. The database only says which message carried which occasion."""

    def __init__(self, life: Life) -> None:
        engine = life.engine
        self.world, self.ill = life.month.world, life.month.ill
        self.messages = {row.id: row for row in offices.rows(engine, MessageRow)}
        codes = {row.id: row.code for row in offices.rows(engine, MeasureRow)}
        self.rows: dict[tuple[Any, ...], ReminderRow] = {}
        self.carried: dict[int, list[ReminderRow]] = {}
        for row in offices.rows(engine, ReminderRow):
            about = "" if row.week or row.kind == "nudge" else codes[int(row.subject.partition(":")[2])]
            if row.outcome != "skipped":
                self.rows[row.rule, row.kind, row.unit, row.occasion, about] = row
            self.carried.setdefault(row.message_pk or 0, []).append(row)
        self.tries: dict[int, list[DeliveryRow]] = {}
        for attempt in offices.rows(engine, DeliveryRow):
            self.tries.setdefault(attempt.message_pk, []).append(attempt)
        lines = life.peer.lines()
        self.accepted = [line for line in lines if line.verdict == "accepted"]
        self.copies = Counter(line.key for line in self.accepted)
        self.told = {line.key: line.codes for line in self.accepted}
        self.refused: dict[str, list[str]] = {}
        for line in lines:
            if line.verdict != "accepted":
                self.refused.setdefault(line.to.partition("@")[0].strip("/"), []).append(line.verdict)

    def was_ill(self, at: datetime) -> bool:
        moment = at.replace(tzinfo=SHANGHAI)
        return any(begun <= moment <= ended for begun, ended in self.ill)


def judge(life: Life) -> Verdict:
    """The whole month's verdict."""
    books, verdict = _Books(life), Verdict(wrong=list(life.wrong))
    facts = oracle.plan(books.world, FIRST, LAST)
    expected = {_key(fact): fact for fact in facts}
    for key, fact in expected.items():
        if why := _missing(books, key, fact, verdict.figures):
            verdict.wrong.append(f"{why}: {fact}")
    dated = {key for key, row in books.rows.items() if FIRST <= row.at.astimezone(SHANGHAI).date() <= LAST}
    verdict.wrong += [f"extra: {key}" for key in dated - set(expected)]
    verdict.wrong += _messages(books, verdict)
    verdict.figures["jumps of the clock"] = life.jumps
    verdict.figures["occasions"] = len(expected)
    verdict.figures["faults met"] = sum(len(found) for found in books.refused.values())
    verdict.figures["copies more than one"] = books.copies.total() - len(books.copies)
    return verdict


def _key(fact: Fact) -> tuple[Any, ...]:
    alone = fact.about[0][0] if fact.about and fact.kind != "nudge" else ""
    return fact.rule, fact.kind, fact.unit, fact.occasion, alone


def _missing(books: _Books, key: tuple[Any, ...], fact: Fact, figures: Counter[str]) -> str:
    """Why an occasion is not where it should be; "" where it is, or where a fault explains that it is not."""
    row = books.rows.get(key)
    if row is None or row.outcome == "superseded":
        figures["superseded in downtime"] += 1
        return "" if books.was_ill(fact.at) else "not answered"
    message = books.messages[row.message_pk]
    if row.outcome == "cancelled" or message.state == "cancelled":
        figures["over before it went"] += 1
        over = _over(books.world, fact, message.finished_at or message.written_at)
        return "" if over else "cancelled for no reason"
    if message.state == "failed":
        figures["refused for good"] += 1
        return "" if _for_good(books, message) else f"given up: {message.why}"
    return _not_received(books, message, fact, figures)


def _not_received(books: _Books, message: MessageRow, fact: Fact, figures: Counter[str]) -> str:
    """Whether the receiver has it, whole and in time."""
    key = message.message_id.partition("@")[0]
    if not books.copies[key]:
        return f"not received ({message.state})"
    day = message.written_at.astimezone(SHANGHAI).date()
    missing = {code for code, _ in fact.about if _open(books.world, code, day)} - books.told[key]
    if missing:
        return f"the letter does not name {sorted(missing)}"
    if day > fact.at.date():
        figures["late"] += 1
        first = min(one.at for one in books.tries[message.id or 0]).astimezone(SHANGHAI).date()
        if first > fact.at.date() and not books.was_ill(fact.at) and not books.refused.get(f"u{fact.unit[1:]}"):
            return f"late by {(day - fact.at.date()).days} days without a fault"
    return ""


def _open(world: dict[str, Any], code: str, day: Any) -> bool:
    return chased(next(m for m in world["measures"] if m["code"] == code), day)


def _over(world: dict[str, Any], fact: Fact, ended: datetime | None) -> bool:
    """Whether what the fact asks for was done before it could go."""
    assert ended
    local = ended.astimezone(SHANGHAI)
    if fact.of:
        sent = world["reports"].get((fact.unit, fact.of))
        anything = any(fact.unit in m["units"] and chased(m, local.date()) for m in world["measures"])
        return (sent is not None and sent <= local.replace(tzinfo=None)) or not anything
    return not any(_open(world, code, local.date()) for code, _ in fact.about)


def _for_good(books: _Books, message: MessageRow) -> bool:
    """Whether the peer has refused for ever, or refused for longer than a reminder lives."""
    tries = books.tries.get(message.id or 0, [])
    known = books.refused.get(f"u{message.recipient[1:]}", [])
    gone = "wants no more" in message.why and "410" in known  # by an earlier message of that day
    return gone or len(tries) >= 5 or any(one.code in PERMANENT and one.code in known for one in tries)


def _messages(books: _Books, verdict: Verdict) -> list[str]:
    """Identities, copies and what the letters name beside what they should."""
    wrong = []
    ids = {row.message_id.partition("@")[0]: row for row in books.messages.values()}
    if strange := set(books.copies) - set(ids):
        wrong.append(f"{len(strange)} strange identities")
    if len({(line.key, line.sha) for line in books.accepted}) != len(books.copies):
        wrong.append("one identity with different bytes")
    for key, copies in books.copies.items():
        row = ids.get(key)
        if row is None:
            continue
        unknown = sum(one.outcome == "unknown" for one in books.tries[row.id or 0])
        if copies > 1 + unknown:
            wrong.append(f"{copies} copies of {key} after {unknown} unknown outcomes")
        if row.state not in ("sent", "failed") and copies:
            wrong.append(f"received, but {row.state}")
    verdict.figures["messages"] = len(ids)
    return wrong
