"""`reminder explain`: every rule's answer, told from the record where there is one."""

import time_machine

from tests.makers import at

MONDAY = "2021-06-07"


def by_rule(said):
    return {line["rule"]: line for line in said.lines}


def test_before_a_cycle_the_answers_are_computed(desk):
    desk.measure("73", "2021-06-10")
    answers = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))
    assert {rule: line["state"] for rule, line in answers.items()} == {
        "approaching": "planned",
        "weekly-nudge": "planned",
        "overdue": "not_fired",
    }
    assert answers["approaching"]["at"] == "2021-06-07T09:00:00+08:00"
    assert answers["overdue"]["reason_code"] == "not_overdue"
    assert answers["overdue"]["measures"] == ["73"]


def test_afterwards_they_are_told_with_what_became_of_them(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 09:00")
    answers = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))
    assert answers["approaching"]["state"] == "sent"
    assert answers["approaching"]["message"] == 1
    assert "对方服务器 09:00:00 已接收" in answers["approaching"]["result"]
    assert "已接收" in desk("explain", "73", "--on", MONDAY).out


def test_the_past_is_told_as_recorded_also_when_the_rules_have_changed(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 09:00")
    desk.write("rules.toml", desk.read("rules.toml").replace("[7, 3, 0]", "[5]"))
    answers = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))
    assert answers["approaching"]["state"] == "sent"


def test_what_an_earlier_cycle_passed_by_is_not_said_to_be_coming(desk):
    desk.cycle(f"{MONDAY} 10:00")
    desk.measure("73", "2021-06-10", known_on=at("2021-06-08").date())
    answers = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))
    assert (answers["approaching"]["state"], answers["approaching"]["reason_code"]) == ("not_fired", "before_known")


def test_after_three_weeks_down_the_older_nudges_are_told_as_superseded_by_the_late_one(desk):
    """Those beyond `catch_up_days` too, which no cycle recorded; what no late one answered was passed by."""
    desk.measure("73", "2021-12-31", known_on=at("2021-05-01").date())
    desk.cycle(f"{MONDAY} 10:00")
    desk.cycle("2021-06-30 10:00")
    asked = ("explain", "73", "--from", MONDAY, "--to", "2021-06-30", "--rule", "weekly-nudge", "--json")
    lines = [line for line in desk(*asked).lines if line["at"]]
    assert [(line["at"][:10], line["state"]) for line in lines] == [
        (MONDAY, "sent"),
        ("2021-06-15", "superseded"),  # the fourteenth is a holiday
        ("2021-06-21", "superseded"),
        ("2021-06-28", "sent"),
    ]
    assert lines[2]["reason_code"] == "superseded"
    assert "2021年6月28日" in desk("explain", "73", "--on", "2021-06-21").out


def test_what_was_passed_by_is_not_said_to_be_superseded_by_a_late_one_of_another_downtime(desk):
    desk.write("rules.toml", desk.read("rules.toml").replace('kind = "nudge"', 'kind = "nudge"\ncatch_up_days = 1'))
    desk.measure("73", "2021-12-31", known_on=at("2021-05-01").date())
    for instant in (f"{MONDAY} 10:00", "2021-06-24 10:00", "2021-06-28 10:00", "2021-07-06 10:00"):
        desk.cycle(instant)
    asked = ("explain", "73", "--from", "2021-06-21", "--to", "2021-07-06", "--rule", "weekly-nudge", "--json")
    lines = [line for line in desk(*asked).lines if line["at"]]
    assert [(line["at"][:10], line["state"], line["late"]) for line in lines] == [
        ("2021-06-21", "not_fired", False),
        ("2021-06-28", "sent", False),
        ("2021-07-05", "sent", True),
    ]
    assert lines[0]["reason_code"] == "passed_by"


def test_a_rule_that_came_later_did_not_answer_for_earlier_days(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 10:00")
    desk.append("rules.toml", '[[rule]]\nname = "new"\nkind = "deadline"\nbefore = [3]\nat = "08:30"\n')
    line = by_rule(desk("explain", "73", "--on", MONDAY, "--rule", "new", "--json"))["new"]
    assert (line["fired"], line["reason_code"]) == (False, "unknown_before")


def test_held_messages_name_the_hour_and_the_reason(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 19:00")
    line = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))["approaching"]
    assert line["state"] == "held"
    assert "2021-06-08 08:30" in line["result"]
    assert "不在发送时段" in line["result"]


def test_a_reminder_that_rides_names_its_nudge(desk):
    desk.write("rules.toml", desk.read("rules.toml").replace("[7, 3, 0]", '[4]\nride = "weekly-nudge"'))
    desk.measure("73", "2021-06-15")
    line = by_rule(desk("explain", "73", "--on", "2021-06-11", "--rule", "approaching", "--json"))["approaching"]
    assert (line["fired"], line["reason_code"]) == (False, "rides")
    assert "weekly-nudge" in line["reason"]


def test_outside_units_and_closed_measures_say_why_not(desk):
    desk.append("units.toml", '[[unit]]\nname = "水务局"\noutside = true\nemail = ["s@example.org"]\n')
    desk.measure("1", "2021-06-10", "水务局")
    desk.measure("2", "2021-06-10", status="written_off", closed_on=at("2021-06-01").date())
    assert {line["reason_code"] for line in desk("explain", "1", "--on", MONDAY, "--json").lines} == {"outside_unit"}
    closed = desk("explain", "2", "--on", MONDAY, "--json").lines
    assert {line["reason_code"] for line in closed} == {"closed"}
    assert all("2021年6月1日" in line["reason"] for line in closed)


def test_measures_with_one_reason_stand_together(desk):
    for code in "123":
        desk.measure(code, "2021-06-30")
    desk.measure("4", "2021-06-30", "财政局")
    lines = desk("explain", "--unit", "区建设局", "--rule", "approaching", "--on", MONDAY, "--json").lines
    assert [(line["unit"], line["measures"]) for line in lines] == [("建设局", ["1", "2", "3"])]


def test_days_in_a_row(desk):
    desk.measure("73", "2021-06-10")
    lines = desk("explain", "73", "--rule", "approaching", "--from", "2021-06-03", "--to", "2021-06-05", "--json").lines
    assert [(line["day"], line["fired"]) for line in lines] == [
        ("2021-06-03", True),
        ("2021-06-04", False),
        ("2021-06-05", False),
    ]


def test_today_is_the_default(desk):
    desk.measure("73", "2021-06-10")
    with time_machine.travel(at(f"{MONDAY} 08:00"), tick=False):
        assert {line["day"] for line in desk("explain", "73", "--json").lines} == {MONDAY}


def test_names_that_do_not_exist_end_with_2_and_the_nearest(desk):
    desk.measure("A-73", "2021-06-10")
    measure, rule, unit = (
        desk("explain", "A-37"),
        desk("explain", "--rule", "overdu"),
        desk("explain", "--unit", "建没局"),
    )
    assert (measure.code, rule.code, unit.code) == (2, 2, 2)
    assert "A-73" in measure.err
    assert "overdue" in rule.err
    assert "建设局" in unit.err


def test_a_code_of_several_ledgers_must_be_written_in_full(desk):
    desk.measure("1", "2021-06-10", ledger="2021")
    desk.measure("1", "2021-06-10", ledger="2022")
    said = desk("explain", "1")
    assert said.code == 2
    assert "2021/1" in said.err
    assert desk("explain", "2022/1", "--on", MONDAY).code == 0


def test_days_that_contradict_each_other_are_refused(desk):
    assert desk("explain", "--on", MONDAY, "--from", MONDAY).code == 2
    assert desk("explain", "--to", MONDAY).code == 2
    assert desk("explain", "--from", MONDAY, "--to", "2021-06-01").code == 2
    assert desk("explain", "--on", "yesterday").code == 2


def test_the_no_of_a_past_day_is_told_by_the_rules_of_that_day(desk):
    desk.measure("73", "2021-06-30")
    desk.cycle(f"{MONDAY} 10:00")
    desk.write("rules.toml", desk.read("rules.toml").replace("[7, 3, 0]", "[5]"))
    past = by_rule(desk("explain", "73", "--on", MONDAY, "--json"))["approaching"]
    assert (past["reason_code"], "2021年6月23日" in past["reason"]) == ("not_yet", True)
    coming = by_rule(desk("explain", "73", "--on", "2021-06-08", "--json"))["approaching"]
    assert "2021年6月25日" in coming["reason"]


def test_a_rule_that_is_gone_still_answers_for_its_days(desk):
    desk.measure("73", "2021-06-10")
    desk.cycle(f"{MONDAY} 10:00")
    desk.write("rules.toml", desk.read("rules.toml").replace('"overdue"\nkind', '"late"\nwas = "overdue"\nkind'))
    desk.cycle("2021-06-08 10:00")
    assert [x["reason_code"] for x in desk("explain", "--rule", "overdue", "--on", MONDAY, "--json").lines] == [
        "not_overdue"
    ]
    assert {x["rule"] for x in desk("explain", "73", "--on", "2021-06-08", "--json").lines} >= {"late"}
    assert desk("explain", "--rule", "overdu", "--on", MONDAY).code == 2


def test_the_past_keeps_its_calendar(desk):
    desk.measure("73", "2021-06-20")
    desk.cycle("2021-06-17 10:00")
    desk.append("reminder.toml", '[calendar]\noff = ["2021-06-17"]\n')
    line = by_rule(desk("explain", "73", "--on", "2021-06-17", "--rule", "approaching", "--json"))["approaching"]
    assert line["state"] == "sent"  # 3 days before, a working day then
    line = by_rule(desk("explain", "73", "--on", "2021-06-13", "--rule", "approaching", "--json"))["approaching"]
    assert "2021年6月11日" in line["reason"]  # the seven days: a Sunday before the Dragon Boat holiday's Monday


def test_a_rest_day_tells_where_its_reminder_went(desk):
    desk.measure("73", "2021-06-20")  # a Sunday
    desk.measure("74", "2021-06-08")  # three days before is a Saturday, the day itself a Tuesday
    day = by_rule(desk("explain", "73", "--on", "2021-06-20", "--json"))["approaching"]
    assert (day["fired"], day["reason_code"]) == (False, "moved_to")
    assert "2021年6月18日" in day["reason"]
    day = by_rule(desk("explain", "74", "--on", "2021-06-05", "--json"))["approaching"]
    assert (day["reason_code"], "2021年6月4日" in day["reason"]) == ("moved_to", True)


def test_offsets_that_fall_together_say_so_on_their_own_days(desk):
    desk.write("rules.toml", desk.read("rules.toml").replace("[7, 3, 0]", "[2, 1]"))
    desk.measure("73", "2021-06-07")  # Saturday and Sunday before
    days = desk("explain", "73", "--rule", "approaching", "--from", "2021-06-05", "--to", "2021-06-06", "--json").lines
    assert [(line["reason_code"], "2021年6月4日" in line["reason"]) for line in days] == [("collapsed_into", True)] * 2


def test_a_week_without_a_working_day_owes_no_report_and_that_is_recorded(desk):
    desk.append(
        "rules.toml", '[[rule]]\nname = "report"\nkind = "report"\ndue = "friday 17:00"\nchase = "monday 09:00"\n'
    )
    desk.append("reminder.toml", '[calendar]\noff = ["2021-06-14..2021-06-18"]\n')
    desk.measure("73", None)
    ask = ("explain", "--unit", "建设局", "--rule", "report", "--on", "2021-06-18", "--json")
    before = desk(*ask).lines
    desk.cycle("2021-06-11 18:00")
    assert desk.cycle("2021-06-18 17:00").messages == {}
    for lines in (before, desk(*ask).lines):
        assert [(x["fired"], x["state"], x["reason_code"]) for x in lines] == [(False, "skipped", "no_working_day")]
    assert desk("plan", "--from", "2021-06-18", "--json").lines == []


def test_a_nudge_taken_over_by_a_later_one_of_the_same_day_is_recorded_so(desk):
    desk.write("rules.toml", '[[rule]]\nname = "n"\nkind = "nudge"\non = ["sunday", "monday"]\n')
    desk.measure("73", None)
    desk.cycle(f"{MONDAY} 09:00")
    sunday = desk("explain", "--on", "2021-06-06", "--json").lines
    assert [(x["state"], x["reason_code"]) for x in sunday] == [("not_fired", "superseded")]
    monday = desk("explain", "--on", MONDAY, "--json").lines
    assert sorted((x["state"], x["reason_code"]) for x in monday) == [("sent", "nudge"), ("superseded", "superseded")]


BESIDE = """
[[rule]]
name = "works"
kind = "duty"
what = "报工程进度"
owed_by = ["建设局", "代建中心"]
due = { week = "monday", hour = "17:00" }
remind = ["1wd"]
[[rule]]
name = "letters"
kind = "awaiting_reply"
within = "15wd"
before = [3]
"""


def test_rules_about_no_measure_answer_for_their_bodies_too(desk):
    desk.append("rules.toml", BESIDE)
    for body in ("市财政局", "市水务局"):
        desk("letter", "sent", "--to", body, "--about", "商请拨款", "--on", "2021-06-01", "--reply-by", "2021-06-30")
    desk("letter", "replied", 2, "--on", "2021-06-03")
    told = {line["rule"] + "|" + line["unit"]: line for line in desk("explain", "--on", MONDAY, "--json").lines}
    assert {key: line["reason_code"] for key, line in told.items()} == {
        "works|建设局": "not_yet",
        "works|代建中心": "not_yet",
        "letters|市财政局": "not_yet",
    }
    late = desk("explain", "--unit", "市水务局", "--on", "2021-06-03", "--json").lines
    assert [line["reason_code"] for line in late] == ["replied"]
    assert "2021年6月11日" in told["works|建设局"]["reason"]  # a working day before Monday the 14th, a holiday
    assert "2021年6月25日" in told["letters|市财政局"]["reason"]  # three days before is Sunday the 27th
    (fired,) = desk("explain", "--unit", "代建中心", "--rule", "works", "--on", "2021-06-04", "--json").lines
    assert (fired["fired"], fired["reason_code"]) == (True, "duty")
    assert [x["unit"] for x in desk("explain", "--rule", "letters", "--on", MONDAY, "--json").lines] == ["市财政局"]


def test_a_day_before_an_extension_is_told_by_the_deadline_of_that_day(desk):
    desk.measure("73", "2021-06-10")
    words = ("--by", "张三", "--because", "汛期", "--on", "2021-06-20", "--to", "2021-09-30")
    assert desk("measure", "extend", "73", *words).code == 0
    before = by_rule(desk("explain", "73", "--on", "2021-06-09", "--json"))
    assert "2021年6月10日" in before["overdue"]["reason"]
    assert before["overdue"]["reason_code"] == "not_overdue"
    after = by_rule(desk("explain", "73", "--on", "2021-06-20", "--json"))["overdue"]
    assert (after["reason_code"], "2021年9月30日" in after["reason"]) == ("not_overdue", True)
