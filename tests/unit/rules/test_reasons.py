"""每一种提醒都说得出理由：按日、顺延、提前、再催。2021年端午节6月12日至14日放假。

What each says in full stands in `golden/reasons.txt`, in the order of the tables below. After a change:
`GOLDEN=write pytest`, and read what it wrote.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from reminder.domain.frozen import FrozenChain, FrozenStep
from reminder.domain.measure import Change, Deadline, DeadlineKind, LookBack, Status
from reminder.domain.owed import SentLetter
from reminder.rules.rule import Facts, Span
from tests.makers import a_measure, a_practice, a_rule, closed

GOLDEN = Path(__file__).parents[1] / "golden" / "reasons.txt"
CLIMB = [{"after": 3, "colour": "黄", "to": ["leader"]}]
ASKED = [{"after": 3, "colour": "黄", "to": ["leader"], "unless_answered": "2wd"}]
BEHIND = {"dated_on": date(2021, 4, 8), "progress_on": date(2021, 6, 2), "percent": 10, "answers": (date(2021, 6, 2),)}
FROZEN = FrozenChain(
    rule="overdue",
    unit="建设局",
    deadline=date(2021, 6, 8),
    leader="老领导",
    principal="老组长",
    steps=(
        FrozenStep(
            after="3",
            colour="橙",
            to=("leader", "principal"),
            unless_answered="2wd",
            nominal=date(2021, 6, 11),
            on=date(2021, 6, 11),
        ),
    ),
)


def measures(deadline, **changes):
    return Facts(measures=[a_measure(deadline, id=7)._replace(**changes)])


def letter(sent_on):
    return Facts(letters=[SentLetter(id=1, addressee="省厅", about="商请", sent_on=date.fromisoformat(sent_on))])


def written_off(on):
    return Facts(closed=[a_measure(id=7, **closed(on))])


CASES = [
    ("到期前", a_rule("deadline", before=[3]), measures("2021-06-11"), "06-08", "before"),
    ("到期前，提前", a_rule("deadline", before=[3]), measures("2021-06-16"), "06-11", "before_moved"),
    ("两天合为一次", a_rule("deadline", before=[3, 2]), measures("2021-06-15"), "06-11", "before_moved"),
    ("到期", a_rule("deadline", before=[0]), measures("2021-06-11"), "06-11", "due"),
    ("到期，提前", a_rule("deadline", before=[0]), measures("2021-06-13"), "06-11", "due_moved"),
    ("逾期", a_rule("overdue", every=3), measures("2021-06-08"), "06-11", "overdue"),
    ("逾期，顺延", a_rule("overdue", every=3), measures("2021-06-10"), "06-15", "overdue_moved"),
    ("升级", a_rule("overdue", every=90, escalate=CLIMB), measures("2021-06-08"), "06-11", "escalation"),
    ("升级，顺延", a_rule("overdue", every=90, escalate=CLIMB), measures("2021-06-10"), "06-15", "escalation_moved"),
    (
        "升级，答复过，推后",
        a_rule("overdue", every=90, escalate=ASKED),
        measures("2021-06-07", answers=(date(2021, 6, 9),)),
        "06-11",
        "escalation_answered",
    ),
    (
        "领导汇总",
        a_rule("overdue", every=90, escalate=CLIMB, leaders_on="friday"),
        measures("2021-06-01"),
        "06-11",
        "digest",
    ),
    (
        "领导汇总，顺延",
        a_rule("overdue", every=90, escalate=CLIMB, leaders_on="monday"),
        measures("2021-06-01"),
        "06-15",
        "digest_moved",
    ),
    ("催办", a_rule("nudge", on="tuesday"), measures("2021-12-31"), "06-08", "nudge"),
    ("催办，顺延", a_rule("nudge", on="monday"), measures("2021-12-31"), "06-15", "nudge_moved"),
    ("周报告", a_rule("report", remind=["thursday 09:00"]), measures("2021-12-31"), "06-10", "report_due"),
    (
        "周报告，提前",
        a_rule("report", due="sunday 17:00", remind=[]),
        measures("2021-12-31"),
        "06-11",
        "report_due_moved",
    ),
    ("催报", a_rule("report", chase="tuesday 09:00"), measures("2021-12-31"), "06-08", "report_chase"),
    ("催报，顺延", a_rule("report", chase="monday 09:00"), measures("2021-12-31"), "06-15", "report_chase_moved"),
    ("回头看", a_rule("look_back", after=[10]), written_off("2021-06-01"), "06-11", "look_back"),
    ("回头看，顺延", a_rule("look_back", after=[10]), written_off("2021-06-02"), "06-15", "look_back_moved"),
    ("再回头看", a_rule("look_back", after=[5], chase=4), written_off("2021-06-01"), "06-10", "look_back_again"),
    (
        "复函",
        a_rule("awaiting_reply", within=10, before=[1], chase=None),
        letter("2021-06-02"),
        "06-11",
        "awaiting_reply",
    ),
    (
        "复函，提前",
        a_rule("awaiting_reply", within=10, before=[0], chase=None),
        letter("2021-06-03"),
        "06-11",
        "awaiting_reply_moved",
    ),
    (
        "催复",
        a_rule("awaiting_reply", within=5, before=[], chase=4),
        letter("2021-06-02"),
        "06-11",
        "awaiting_reply_late",
    ),
    (
        "催复，顺延",
        a_rule("awaiting_reply", within=7, before=[], chase=4),
        letter("2021-06-02"),
        "06-15",
        "awaiting_reply_late_moved",
    ),
    ("定期事项", a_rule("duty", due={"week": "friday"}, remind=[0], chase=None), Facts(), "06-11", "duty"),
    ("定期事项，提前", a_rule("duty", due={"week": "sunday"}, remind=[3], chase=None), Facts(), "06-10", "duty"),
    ("催定期事项", a_rule("duty", due={"week": "wednesday"}, remind=[], chase=1), Facts(), "06-10", "duty_late"),
    (
        "两级顺延到同一天",
        a_rule("overdue", every=90, escalate=[*CLIMB, {"after": 4, "colour": "红", "to": ["principal"]}]),
        measures("2021-06-09"),
        "06-15",
        "escalation_moved",
    ),
    ("收报汇总", a_rule("report", summary="friday 18:00"), measures("2021-12-31"), "06-11", "report_summary"),
    (
        "缺报三天，报上级",
        a_rule("report", chase=None, escalate=[{"after": "3wd", "colour": "黄", "to": ["leader"]}]),
        measures("2021-12-31"),
        "06-09",
        "report_step",
    ),
    (
        "冻结了的升级，另一任组长",
        a_rule("overdue", every=90, escalate=CLIMB, leaders_on="friday"),
        measures("2021-06-08", chains=(FROZEN,)),
        "06-11",
        "escalation",
    ),
    (
        "冻结了的升级，汇总",
        a_rule("overdue", every=90, leaders_on="friday"),
        measures("2021-06-08", chains=(FROZEN,)),
        "06-18",
        "digest",
    ),
    ("进度落后", a_rule("pace", on="friday"), measures("2021-06-30", **BEHIND), "06-11", "pace"),
    (
        "进度落后，两个周一和周二合为一次",
        a_rule("pace", on=["monday", "tuesday"], stale=9),
        measures("2021-06-30", **BEHIND),
        "06-15",
        "pace",
    ),
    (
        "久无进展，顺延",
        a_rule("pace", behind=None, stale=3),
        measures("2021-06-30", **BEHIND),
        "06-15",
        "pace_stale_moved",
    ),
    (
        "催复两次合为一次",
        a_rule("awaiting_reply", within=9, before=[], chase=1),
        letter("2021-06-02"),
        "06-15",
        "awaiting_reply_late",
    ),
    (
        "复函前两次合为一次",
        a_rule("awaiting_reply", within=13, before=[3, 2, 1, 0], chase=None),
        letter("2021-06-01"),
        "06-11",
        "awaiting_reply_moved",
    ),
    (
        "再回头看，三次合为一次",
        a_rule("look_back", after=[10, 11], chase=1),
        written_off("2021-06-02"),
        "06-15",
        "look_back_again",
    ),
    (
        "催定期事项，顺延",
        a_rule("duty", due={"week": "thursday"}, remind=[], chase=4),
        Facts(),
        "06-15",
        "duty_late_moved",
    ),
]


@pytest.mark.parametrize(("rule", "facts", "day", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_reminder_says_why(rule, facts, day, code):
    on = date.fromisoformat(f"2021-{day}")
    found = [firing for firing in rule.firings(facts, Span(on, on), a_practice()) if firing.reason.code == code]
    assert {str(firing.at.date()) for firing in found} == {str(on)}
    moved = code.endswith("_moved") and code != "escalation_moved"
    assert not moved or found[0].occasion != on


def day(text):
    return date.fromisoformat(f"2021-{text}")


def of(deadline="2021-06-30", **changes):
    return a_measure(deadline, id=7, **changes)


CLAIMED = {"status": Status.CLAIMED, "changes": (Change(day("06-03"), Status.CLAIMED),)}
REOPENED = {"changes": (Change(day("05-06"), Status.WRITTEN_OFF), Change(day("06-07"), Status.IN_PROGRESS))}
AT_ONCE = {"look_backs": (LookBack(day("05-06"), held=True),)}
HELD = {"look_backs": (LookBack(day("06-10"), held=True),)}
CLIMBING = a_rule("overdue", every=14, escalate=[*CLIMB, {"after": "5wd", "colour": "红", "to": ["principal"]}])
ANSWERED = a_rule("overdue", every=14, escalate=ASKED)
TWICE = {"changes": (Change(day("05-01"), Status.IN_PROGRESS), Change(day("06-03"), Status.CLAIMED))}
IMPORTED = {"status": Status.WRITTEN_OFF, "closed_on": day("05-20")}
SLIPPED = {"dated_on": day("04-08"), "progress_on": day("06-02"), "percent": 10, "answers": (day("06-02"),)}
NO = [
    ("时限读不出", a_rule("deadline"), of(Deadline(DeadlineKind.VAGUE, text="近期")), "06-08"),
    ("已申请销号", a_rule("nudge"), of(**CLAIMED), "06-08"),
    ("已销号", a_rule("overdue"), of("2021-05-01", **closed("2021-06-01")), "06-08"),
    ("已申请销号，此前动过", a_rule("nudge"), of(**TWICE), "06-08"),
    ("导入时就已销号", a_rule("nudge"), of(**IMPORTED), "06-08"),
    ("一再答复，当天又答复", ANSWERED, of("2021-06-07", answers=(day("06-09"), day("06-10"))), "06-10"),
    ("一再答复，仍在推后", ANSWERED, of("2021-06-07", answers=(day("06-09"), day("06-10"))), "06-11"),
    ("规则不管", a_rule("nudge", match={"aspect": ["党建"]}), of(), "06-08"),
    ("规则还没开始", a_rule("nudge", **{"from": day("06-09")}), of(), "06-08"),
    ("规则已经结束", a_rule("report", until=day("06-07")), of(), "06-08"),
    ("当天不必催办", a_rule("nudge", on="thursday"), of(), "06-08"),
    ("下一次催办逢端午", a_rule("nudge"), of(), "06-08"),
    ("逾期，时限读不出", a_rule("overdue"), of(None), "06-08"),
    ("还没逾期", a_rule("overdue"), of("2021-06-08"), "06-08"),
    ("第一天还不催", a_rule("overdue"), of("2021-06-07"), "06-08"),
    ("逾期，下一次逢端午", a_rule("overdue", every=5), of("2021-06-07"), "06-08"),
    ("先是升级", CLIMBING, of("2021-06-07"), "06-08"),
    ("先是再升一级", CLIMBING, of("2021-06-07"), "06-10"),
    ("先是逾期提醒", CLIMBING, of("2021-06-07"), "06-16"),
    ("答复过，推后", ANSWERED, of("2021-06-07", answers=(day("06-09"),)), "06-10"),
    ("答复过，还没轮到", ANSWERED, of("2021-06-07", answers=(day("06-09"),)), "06-09"),
    ("报告，还没到", a_rule("report"), of(), "06-08"),
    ("报告，下一次逢端午", a_rule("report", due="friday 17:00", remind=[], chase="monday 09:00"), of(), "06-11"),
    ("进度，时限读不出", a_rule("pace"), of(None), "06-15"),
    ("进度，还没到日子", a_rule("pace", on={"quarter": "last wd"}), of(), "06-15"),
    ("进度正常", a_rule("pace"), of(**SLIPPED | {"percent": 70}), "06-15"),
    ("没有百分比", a_rule("pace"), of(dated_on=day("04-08")), "06-15"),
    ("没有起点", a_rule("pace"), of(percent=10), "06-15"),
    ("不久前提醒过", a_rule("pace", repeat="10wd"), of(**SLIPPED), "06-15"),
    ("没销号，不用回头看", a_rule("look_back"), of(), "06-08"),
    ("回头看，规则不管", a_rule("look_back", match={"aspect": ["党建"]}), of(**closed("2021-05-06")), "06-08"),
    ("回头看，规则已经结束", a_rule("look_back", until=day("06-07")), of(**closed("2021-05-06")), "06-08"),
    ("又打开了，不用回头看", a_rule("look_back"), of(**REOPENED), "06-08"),
    ("回头看，还没到", a_rule("look_back"), of(**closed("2021-05-06")), "06-08"),
    ("回头看，登记过了", a_rule("look_back", after=[30]), of(**closed("2021-05-06"), **HELD), "06-15"),
    (
        "回头看，登记过一次，还有下一次",
        a_rule("look_back", after=[30, 60]),
        of(**closed("2021-05-06"), **HELD),
        "06-15",
    ),
    ("回头看，销号当天就登记了", a_rule("look_back", after=[30]), of(**closed("2021-05-06"), **AT_ONCE), "06-15"),
    ("回头看，问的就是当天", a_rule("look_back", after=[30]), of(**closed("2021-05-06")), "06-07"),
    ("回头看，没人登记，也不再问", a_rule("look_back", after=[30]), of(**closed("2021-05-06")), "06-15"),
    ("函件不关措施的事", a_rule("awaiting_reply"), of(), "06-08"),
    ("定期事项不关措施的事", a_rule("duty"), of(), "06-08"),
]


def told(firing):
    """Everything that a firing says, on a line or two."""
    other = {"occasion": firing.occasion, "superseded": firing.superseded, "nominals": firing.nominals}
    other |= {"due_at": firing.due_at, "week": firing.week, "to": firing.to, "owed_for": firing.owed_for}
    said = {name: value for name, value in other.items() if value}
    lines = [f"{line.measure.id}: {line.days}" for line in firing.lines]
    return (
        f"  {firing.at:%m-%d %H:%M} {firing.subject} {firing.unit} {firing.reason.code} {dict(firing.reason.facts)}\n"
        + (f"    {dict(firing.about)} {lines} " + " ".join(f"{name}={_plain(value)}" for name, value in said.items()))
    )


def _plain(value):
    return [str(getattr(one, "id", one)) for one in value] if isinstance(value, tuple) else str(value)


RULES = [
    a_rule("deadline", before=[7, "5wd", 0]),
    CLIMBING,
    a_rule("overdue", name="日日催", every=["1wd", "3wd"], at="08:30"),
    a_rule("nudge", at="09:30", to=["unit", "leader"]),
    a_rule("nudge", name="平日", on="wednesday"),
    a_rule("report", chase={"from": "monday 10:00", "every": "1wd"}, summary="friday 18:00"),
    a_rule("report", name="逐级", remind=[], chase=None, at="11:00", escalate=[CLIMB[0] | {"missed": 2}]),
    a_rule("pace", stale="30wd"),
    a_rule("look_back"),
    a_rule("look_back", name="二十个工作日", after=["20wd"], to=["leader"]),
    a_rule("awaiting_reply"),
    a_rule("duty"),
]


def remembered(rule):
    """What a cycle remembers of a rule, when it may fire, to whom it may write, and what it asks for a Tuesday."""
    tuesday = Span(day("06-08"), day("06-08"))
    asked = [
        f"{ask.open_since} {ask.deadline_from} {ask.deadline_to} {'closed ' if ask.closed else ''}"
        + " ".join(map(str, sorted(ask.on or ())))
        for ask in rule.asks(tuesday, a_practice())
    ]
    hours = [f"{hour:%H:%M}" for hour in sorted(rule.clocks())]
    return f"{rule.name} {sorted(rule.parts())} {hours} {rule.entries()} {sorted(rule.sees)} {asked}"


def test_what_each_says_in_full():
    yes = [
        f"{name}\n" + "\n".join(told(one) for one in rule.firings(facts, Span(day(on), day(on)), a_practice()))
        for name, rule, facts, on, _ in CASES
    ]
    no = []
    for name, rule, measure, on in NO:
        reason = rule.why_not(measure, "建设局", day(on), a_practice())
        no.append(f"{name}：{on} {reason.code} {dict(reason.facts)}")
    text = "\n".join([*yes, "", *no, "", *map(remembered, RULES), ""])
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
