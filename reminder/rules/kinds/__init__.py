"""The kinds of rule, by the name that `kind` gives them in rules.toml."""

from __future__ import annotations

from collections.abc import Mapping

from reminder.rules.kinds.awaiting_reply import AwaitingReplyRule
from reminder.rules.kinds.deadline import DeadlineRule
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.kinds.look_back import LookBackRule
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.kinds.overdue import OverdueRule
from reminder.rules.kinds.pace import PaceRule
from reminder.rules.kinds.report import ReportRule
from reminder.rules.rule import Rule

KINDS: Mapping[str, type[Rule]] = {
    "deadline": DeadlineRule,
    "overdue": OverdueRule,
    "nudge": NudgeRule,
    "report": ReportRule,
    "pace": PaceRule,
    "look_back": LookBackRule,
    "awaiting_reply": AwaitingReplyRule,
    "duty": DutyRule,
}
