"""`reminder plan --diff`: before the office switches to another configuration."""

import shutil

import pytest

JUNE = ("--from", "2021-06-01", "--to", "2021-06-30")


@pytest.fixture
def other(desk, tmp_path):
    """A copy of the configuration without its database, to be changed."""
    desk.measure("73", "2021-06-18")
    desk.measure("74", "2021-07-01", "财政局")
    place = tmp_path / "other"
    shutil.copytree(desk.folder, place, ignore=shutil.ignore_patterns("*.db*"))
    return place


def change(other, file, old, new):
    text = (other / file).read_text(encoding="utf-8")
    assert old in text
    (other / file).write_text(text.replace(old, new), encoding="utf-8")


def told(desk, other, *more):
    said = desk("plan", *JUNE, "--diff", other, "--json", *more)
    assert said.code == 0
    return [(x["change"], x["rule"], x["unit"], x["was_at"] and x["was_at"][:16], x["at"][:16]) for x in said.lines]


def test_two_equal_configurations_differ_in_nothing(desk, other):
    assert told(desk, other) == []


def test_another_offset_is_added_and_the_old_one_removed(desk, other):
    change(other, "rules.toml", "[7, 3, 0]", "[5, 3, 0]")
    assert told(desk, other) == [
        ("removed", "approaching", "建设局", "2021-06-11T09:00", "2021-06-11T09:00"),
        ("added", "approaching", "建设局", None, "2021-06-11T09:00"),  # five days before is Sunday 06-13
        ("removed", "approaching", "财政局", "2021-06-24T09:00", "2021-06-24T09:00"),
        ("added", "approaching", "财政局", None, "2021-06-25T09:00"),
    ]


def test_another_hour_moves_and_so_does_a_day_typed_in(desk, other):
    change(other, "rules.toml", "[7, 3, 0]", '[7, 3, 0]\nat = "10:00"')
    assert {(kind, was[-5:], now[-5:]) for kind, _, _, was, now in told(desk, other)} == {("moved", "09:00", "10:00")}
    change(other, "rules.toml", '\nat = "10:00"', "")
    with (other / "reminder.toml").open("a", encoding="utf-8") as file:
        file.write('[calendar]\noff = ["2021-06-18"]\n')
    assert ("moved", "approaching", "建设局", "2021-06-18T09:00", "2021-06-17T09:00") in told(desk, other)


def test_a_renamed_rule_differs_in_nothing(desk, other):
    change(other, "rules.toml", '"approaching"', '"countdown"\nwas = "approaching"')
    assert told(desk, other) == []


def test_a_nudge_about_other_measures_is_changed_or_gone(desk, other):
    change(other, "rules.toml", 'on = "monday"', 'on = "monday"\nexcept = { unit = ["财政局"] }')
    assert {(kind, unit) for kind, _, unit, *_ in told(desk, other)} == {("removed", "财政局")}
    desk.measure("75", "2021-12-31", aspect="党建")
    change(other, "rules.toml", '{ unit = ["财政局"] }', '{ aspect = ["党建"] }')
    assert {(kind, unit) for kind, _, unit, *_ in told(desk, other)} == {("changed", "建设局")}


def test_people_see_a_table_with_a_count(desk, other):
    change(other, "rules.toml", "[7, 3, 0]", "[3, 0]")
    said = desk("plan", *JUNE, "--diff", other)
    assert "不再发 2 条" in said.out
    assert "新增 0 条" in said.out


def test_a_faulty_other_configuration_is_refused(desk, other):
    change(other, "rules.toml", "before", "befor")
    assert desk("plan", *JUNE, "--diff", other).code == 2
    assert desk("plan", *JUNE, "--diff", other / "none").code == 2
