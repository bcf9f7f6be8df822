"""A nudge of twenty measures in Chinese, text and HTML, as the bytes of an e-mail: ours and the plain way."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reminder.compose import Circumstances, compose
from reminder.compose.facts import entries
from reminder.compose.letter import facts_of
from reminder.compose.templates import templates
from reminder.domain.measure import Deadline, DeadlineKind, Measure
from reminder.domain.message import Envelope
from reminder.domain.reminder import Firing, Line, Reason, Reminder, ReminderKind
from reminder.render.mime import build
from reminder.render.text import folded
from reminder.resources import data_dir
from tests.bench.measure import Figures, at_least, interleaved

ZONE = ZoneInfo("Asia/Shanghai")
SENDER = "整改办 <office@example.org>"
MONDAY = date(2026, 3, 2)
CIRCUMSTANCES = Circumstances(
    locale="zh_CN",
    office="巡察整改办公室",
    on=MONDAY,
    zone=ZONE,
    contact="督办科 分机 000",
    replies=True,
    number="R-42",
)
_LETTERS = 60


def measure(number: int, unit: str = "建设局") -> Measure:
    """One measure as a ledger of 2026 could hold it."""
    return Measure(
        id=number,
        code=str(number),
        text=f"完善工程项目全过程管理办法第{number}章，明确各岗位职责和时限要求，并组织全员培训考核",
        problem_text="工程管理制度不健全，部分项目程序倒置",
        units=(unit,),
        leader="分管规划建设副主任",
        deadline=Deadline(DeadlineKind.DATE, MONDAY + timedelta(days=number * 5 - 30)),
        percent=number * 4 % 100,
        progress=f"已完成第{number}轮征求意见，正在修改完善，预计下月提交主任办公会审议",
        progress_on=MONDAY - timedelta(days=number),
    )


def reminder(measures: list[Measure], kind: ReminderKind = ReminderKind.NUDGE) -> Reminder:
    """The reminder of one unit about these measures."""
    at = datetime(2026, 3, 2, 9, tzinfo=ZONE)
    unit = measures[0].units[0]
    firing = Firing(
        rule="weekly-nudge",
        kind=kind,
        subject=f"unit:{unit}",
        unit=unit,
        occasion=MONDAY,
        at=at,
        lines=tuple(Line(one) for one in measures),
        reason=Reason("nudge", {"count": str(len(measures)), "occasion": str(MONDAY)}),
    )
    return Reminder(firing=firing, recipient=unit, channel="mail")


def envelope(number: int, recipient: str = "建设局") -> Envelope:
    """The envelope of the letter `number`."""
    return Envelope(
        message_id=f"r-{number:020x}@example.org",
        recipient=recipient,
        addresses=(f"unit{number}@example.org",),
        reply_to=("office@example.org",),
        references=tuple(f"m-{number + n:020x}@example.org" for n in range(10)),
        written_at=datetime(2026, 3, 2, 1, tzinfo=ZONE),
    )


class Plain:
    """What one would write first: the same templates in Jinja2's sandbox, compiled once, and EmailMessage."""

    def __init__(self) -> None:
        self._plain, self._html = self._environment(escape=False), self._environment(escape=True)
        self._shelf = templates(None, "zh_CN")  # only to look whether a template has a part of its own

    @staticmethod
    def _environment(*, escape: bool) -> ImmutableSandboxedEnvironment:
        loader = FileSystemLoader(data_dir("templates") / "zh_CN")
        return ImmutableSandboxedEnvironment(
            autoescape=escape,
            undefined=StrictUndefined,
            loader=loader,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def __call__(self, told: Reminder, wrapped: Envelope) -> bytes:
        """The bytes of the same letter."""
        facts = facts_of([told], entries([told], MONDAY), CIRCUMSTANCES, self._shelf)
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = SENDER
        message["To"] = f"{wrapped.recipient} <{wrapped.addresses[0]}>"
        message["Reply-To"] = wrapped.reply_to[0]
        message["Subject"] = self._plain.get_template("letter.subject.txt").render(facts).strip()
        message["Date"] = format_datetime(wrapped.written_at)
        message["Message-ID"] = f"<{wrapped.message_id}>"
        message["References"] = message["In-Reply-To"] = " ".join(f"<{one}>" for one in wrapped.references)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(folded(self._plain.get_template("letter.text.txt").render(facts)))
        message.add_alternative(self._html.get_template("letter.html").render(facts), subtype="html")
        return message.as_bytes()


def ours(told: Reminder, wrapped: Envelope) -> bytes:
    """The program's own way."""
    return build(compose([told], CIRCUMSTANCES, brief=False), wrapped, SENDER)


def compose_() -> Figures:
    """CPU seconds a letter, so that other processes on the machine do not count."""
    told = reminder([measure(n) for n in range(1, 21)])
    sides = interleaved({"ours": _cpu(ours, told), "plain": _cpu(Plain(), told)}, rounds=9)
    figures = {f"{name}_letters_per_s": 1 / seconds for name, seconds in sides.items()}
    return figures | {"over_plain": sides["plain"] / sides["ours"]}, {"over_plain": at_least(6.0)}


def _cpu(write: Callable[[Reminder, Envelope], bytes], told: Reminder) -> Callable[[], float]:
    write(told, envelope(0))  # the templates are compiled

    def side() -> float:
        begun = time.process_time()
        for number in range(_LETTERS):
            write(told, envelope(number))
        return (time.process_time() - begun) / _LETTERS

    return side
