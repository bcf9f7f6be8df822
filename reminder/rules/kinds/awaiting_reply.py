"""`awaiting_reply`: a letter's reply, asked for before it is due and again after that until it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from reminder.domain.measure import Measure
from reminder.domain.owed import SentLetter
from reminder.domain.reminder import Firing, Reason, ReminderKind, put_off
from reminder.rules.again import Every, again, landing
from reminder.rules.calendar import Calendar
from reminder.rules.chain import after_deadline
from reminder.rules.rule import LONGEST_REST, Ask, Facts, LetterRecipient, Practice, Rule, Span
from reminder.rules.when import Days


@dataclass(frozen=True, slots=True)
class _Asked:
    """Before the reply is due, or (`late`) after that."""

    nominal: date
    late: bool


class AwaitingReplyRule(Rule):
    """What comes before the due day moves to the previous working day, what comes after it to the next."""

    kinds: ClassVar = (ReminderKind.AWAITING_REPLY,)
    sees: ClassVar = frozenset({"letters"})
    about_measures: ClassVar = False

    kind: Literal["awaiting_reply"]
    within: Days = Field(description='when a letter that names no date is to be answered: 20 or "15wd"')
    before: tuple[Days, ...] = Field(default=(), description="days before the reply is due; 0 = on the day")
    chase: Every | None = Field(default=None, description='asked again every so often after that, such as "5wd"')
    to: tuple[LetterRecipient, ...] = Field(
        default=("office",), min_length=1, description="as in any rule; addressee writes to the body itself"
    )

    def asks(self, span: Span, practice: Practice) -> Iterable[Ask]:
        return ()

    def due_on(self, letter: SentLetter, calendar: Calendar) -> date:
        """When the reply is due: on the day the letter names, else `within` so long after it was sent."""
        return letter.reply_by or self.within.after(letter.sent_on, calendar)

    def firings(self, facts: Facts, span: Span, practice: Practice) -> Iterator[Firing]:
        for letter in facts.letters:
            for day, met in self._days(letter, span, practice).items():
                # On the day it is sent nobody has to be reminded of it.
                waits = letter.sent_on < day and not (letter.replied_on and letter.replied_on <= day)
                if waits and day in span and self.runs_on(day, practice):
                    yield self._firing(letter, day, met, practice)

    def _days(self, letter: SentLetter, span: Span, practice: Practice) -> dict[date, list[_Asked]]:
        """The days on which something goes → what lands there."""
        due, calendar = self.due_on(letter, practice.calendar), practice.calendar
        before = [_Asked(offset.before(due, calendar), late=False) for offset in self.before]
        late = [_Asked(day, late=True) for day in again(due, self.chase, span.last + LONGEST_REST, calendar)]

        def move(asked: _Asked) -> date:
            if not asked.late:
                return practice.earlier(asked.nominal)
            return after_deadline(asked.nominal, due, practice)

        return landing([*before, *late], move)

    def _firing(self, letter: SentLetter, day: date, met: list[_Asked], practice: Practice) -> Firing:
        asked, due = met[-1], self.due_on(letter, practice.calendar)
        how = "_late" + put_off(day, asked.nominal) if asked.late else "_moved" if asked.nominal != day else ""
        facts = {"addressee": letter.addressee, "sent_on": str(letter.sent_on), "due": str(due)}
        counted = (due,) if letter.reply_by else (letter.sent_on, due)
        return Firing(
            rule=self.name,
            kind=ReminderKind.AWAITING_REPLY,
            subject=f"letter:{letter.id}",
            unit=letter.addressee,
            occasion=asked.nominal,
            at=practice.at(day, self.at),
            reason=Reason(f"awaiting_reply{how}", facts),
            provisional=practice.provisional(*counted, asked.nominal, day),
            superseded=tuple(sorted({one.nominal for one in met[:-1]} - {asked.nominal})),
            about={
                "letter": str(letter.id),
                "title": letter.about,
                "sent_on": str(letter.sent_on),
                "due_on": str(due),
            },
        )

    def why_not(self, measure: Measure, unit: str, day: date, practice: Practice) -> Reason:
        return Reason("not_about_measures", {"rule": self.name})
