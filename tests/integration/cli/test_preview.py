"""`reminder preview`: the message exactly as it would go."""

import email
import email.policy
import json
from datetime import date

import pytest
import time_machine

from reminder.cycle.preview import Plans, next_together
from tests.makers import at


def test_reminders_that_travel_together_are_shown_together(desk):
    desk.measure("73", "2021-06-10")
    said = desk("preview", "approaching", "建设局", "--on", "2021-06-07")
    assert said.code == 0
    assert said.out.startswith("主题：")
    assert "措施73" in said.out
    assert "在办" in said.out


def test_the_bytes_are_those_that_go(desk):
    desk.measure("73", "2021-06-10")
    shown = desk("preview", "weekly-nudge", "建设局", "--on", "2021-06-07", "--format", "eml").out
    desk.cycle("2021-06-07 09:00")
    (file,) = (desk.folder / "mailbox" / "new").iterdir()
    sent, seen = (email.message_from_string(text, policy=email.policy.default) for text in (file.read_text(), shown))
    for name in ("From", "To", "Subject", "Date", "Reply-To", "References"):
        assert seen[name] == sent[name]
    bodies = [message.get_body(("plain",)).get_content().replace("R-0", "R-1") for message in (seen, sent)]
    assert bodies[0].splitlines() == bodies[1].splitlines()


def test_without_a_day_the_next_time_is_looked_for(desk):
    desk.measure("73", "2021-08-31")
    with time_machine.travel(at("2021-06-01 12:00"), tick=False):
        facts = json.loads(desk("preview", "approaching", "区建设局", "--format", "json").out)
    assert facts["at"] == "2021-08-24T09:00:00+08:00"
    assert facts["kinds"] == ["before"]


def test_html_and_a_webhooks_body(desk):
    desk.append("channels.toml", '[channel.hook]\nkind = "webhook"\nurl = "https://hook.example.org/x"\n')
    desk.append("rules.toml", 'channels = ["hook"]\nto = ["channel:hook"]\n')
    desk.measure("73", "2021-06-10")
    assert "<html" in desk("preview", "approaching", "建设局", "--on", "2021-06-07", "--format", "html").out
    body = json.loads(desk("preview", "weekly-nudge", "建设局", "--on", "2021-06-07", "--format", "json").out)
    assert body["data"]["kinds"] == ["nudge"]
    refused = desk("preview", "weekly-nudge", "建设局", "--on", "2021-06-07", "--format", "eml")
    assert refused.code == 2
    assert "hook" in refused.err


def test_when_nothing_would_go_it_says_why(desk):
    desk.measure("73", "2021-06-10")
    said = desk("preview", "overdue", "建设局", "--on", "2021-06-07")
    assert said.code == 1
    assert said.out == ""
    assert "尚未逾期" in said.err
    nobody = desk("preview", "overdue", "财政局", "--on", "2021-06-07")
    assert nobody.code == 1
    assert "财政局没有" in nobody.err


OWED = """
[[rule]]
name = "works-report"
kind = "duty"
what = "报工程进度"
owed_by = ["建设局"]
due = { week = "monday", hour = "17:00" }
[[rule]]
name = "letters"
kind = "awaiting_reply"
within = "15wd"
chase = "5wd"
"""


def test_of_duties_and_letters_it_says_when_the_next_one_goes_and_not_that_there_are_no_measures(desk):
    desk.write("rules.toml", OWED)
    desk("letter", "sent", "--to", "省厅", "--about", "商请", "--on", "2021-06-01")
    for rule, unit, why in (
        ("works-report", "建设局", "下一次在2021年6月18日（星期五）"),
        ("works-report", "财政局", "没有在等财政局的"),
        ("letters", "省厅", "下一次在2021年6月30日（星期三）"),
    ):
        said = desk("preview", rule, unit, "--on", "2021-06-15")
        assert (said.code, why in said.err, "措施" in said.err) == (1, True, False), said.err


def test_unknown_names_end_with_2(desk):
    assert desk("preview", "overdu", "建设局").code == 2
    assert desk("preview", "overdue", "建没局").code == 2
    assert desk("preview", "overdue", "建设局", "--format", "pdf").code == 2


@pytest.mark.parametrize("told_of_all", [False, True], ids=["own", "named by a rule"])
def test_a_unit_s_own_measures_suffice_to_find_what_goes_to_it(desk, told_of_all):
    """A preview among a million measures reads a unit's hundred, and shows the very letter that all would give."""
    to = ["unit", "leader", "supporting", *(["unit:财政局"] if told_of_all else [])]
    desk.append("rules.toml", f'\n[[rule]]\nname = "all"\nkind = "deadline"\nbefore = [5]\nto = {to}\n')
    for n in range(12):
        units = ("建设局", "财政局", "没有地址的单位")[n % 3 :][:2]
        desk.measure(str(n), f"2021-06-{10 + n % 4:02d}", *units, leader="分管领导")
    app = desk.app()
    for rule in app.configuration.rules:
        for unit in ("建设局", "财政局", "没有地址的单位"):
            whole = next_together(Plans(app.plan, app.plan), rule.name, unit, date(2021, 6, 1), date(2021, 6, 30))
            own = next_together(app.plans(unit), rule.name, unit, date(2021, 6, 1), date(2021, 6, 30))
            assert own == whole, (rule.name, unit)
    assert whole
