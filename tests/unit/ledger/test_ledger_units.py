"""The units' directory in a workbook, and look-alikes."""

from pathlib import Path

import pytest

from reminder.errors import UsageError
from reminder.ledger.units import draft_units, read_units

LEDGER = Path(__file__).parents[2] / "data/ledger_2021.xlsx"


def test_the_directory_beside_the_ledger():
    units = {unit.name: unit for unit in read_units(LEDGER)}
    assert len(units) == 38
    lead = units["区两委办"]
    assert (lead.email, lead.outside, lead.robots) == (("lwb@example.org",), False, ("wecom",))
    assert lead.aliases == ("两委办", "党工委办公室", "区党工委办公室")
    assert units["市财政局"].outside


def test_a_robots_address_is_never_handed_on():
    assert "PLACEHOLDER" not in repr(read_units(LEDGER))


def test_other_column_names_and_faulty_rows(xlsx):
    path = xlsx(
        [
            ("部门名称", "简称", "电子邮箱", "分管领导", "联系电话"),
            ("财政局", "区财政局 财局", "a@example.org；b@example.org", "分管副主任", 3912345),
            ("建设局", "/", "jsj@example", "", ""),
            ("财政局", "", "", "", ""),
            ("", "甲", "", "", ""),
        ]
    )
    first, second, third, last = read_units(path)
    assert (first.aliases, first.email, first.leader, first.phone) == (
        ("区财政局", "财局"), ("a@example.org", "b@example.org"), "分管副主任", "3912345",
    )  # fmt: skip
    assert [[problem.code for problem in unit.problems] for unit in (first, second, third, last)] == [
        ["unit_name_duplicate"], ["email_invalid"], ["unit_name_duplicate"], ["unit_name_missing"],
    ]  # fmt: skip
    assert [unit.row for unit in (first, last)] == [2, 5]


def test_a_workbook_without_a_directory(xlsx):
    with pytest.raises(UsageError, match="通讯录表头"):
        read_units(xlsx([("甲", "乙"), (1, 2)]))


@pytest.mark.parametrize(
    ("name", "known", "alike"),
    [
        ("区建设局", ["建设局"], ("建设局",)),
        ("代建中心", ["代建项目管理中心"], ("代建项目管理中心",)),
        ("创新创业服务中心", ["创新创业中心"], ("创新创业中心",)),
        ("港华燃气", ["财政局", "建设局"], ()),
    ],
)
def test_look_alikes_are_suggested(name, known, alike):
    (draft,) = draft_units([name], {one: one for one in known})
    assert (draft.name, draft.alike) == (name, alike)


def test_known_names_need_no_draft():
    assert draft_units(["财政局", "财政局"], {"财政局": "财政局"}) == ()
