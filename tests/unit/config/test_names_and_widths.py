"""The name that was meant, and the ASCII that was meant."""

from __future__ import annotations

import pytest

from reminder.config.faults import Fault, as_toml, in_order, key_path, one_line
from reminder.config.nearest import distance, nearest
from reminder.config.wide import narrowed


@pytest.mark.parametrize(
    ("word", "names", "expected"),
    [
        pytest.param("befor", ["before", "every"], "before", id="a letter left out"),
        pytest.param("Before", ["before"], "before", id="a capital"),
        pytest.param("catch-up-days", ["catch_up_days"], "catch_up_days", id="another dash"),
        pytest.param("ｎａｍｅ", ["name"], "name", id="full width"),
        pytest.param("建社局", ["建设局", "财政局"], "建设局", id="a wrong character"),
        pytest.param("科技局", ["科技信息局", "财政局"], "科技信息局", id="a short name"),
        pytest.param("mial", ["mail", "files"], "mail", id="two letters swapped"),
        pytest.param("zzz", ["name", "kind"], None, id="nothing near"),
        pytest.param("x", [], None, id="nothing to choose from"),
    ],
)
def test_nearest(word: str, names: list[str], expected: str | None) -> None:
    assert nearest(word, names) == expected


def test_of_equally_near_names_the_less_doubtful() -> None:
    assert nearest("o", ["to", "on"]) == "on"
    assert nearest("o", ["to", "on"], {"to": 0, "on": 1}.__getitem__) == "to"


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("", "ab", 2), ("ab", "ba", 1), ("abc", "abc", 0), ("abc", "axc", 1), ("abcd", "acbd", 1)]
)
def test_distance(a: str, b: str, expected: int) -> None:
    assert distance(a, b) == distance(b, a) == expected


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("name＝“建设局”", 'name="建设局"', id="equals and quotes"),
        pytest.param("［［unit］］", "[[unit]]", id="brackets"),
        pytest.param("【office】", "[office]", id="black brackets"),
        pytest.param('a = ["甲"，"乙"、"丙"]', 'a = ["甲","乙","丙"]', id="commas"),
        pytest.param("a\u3000= 1", "a = 1", id="a wide blank"),
        pytest.param("before = [１４]", "before = [14]", id="wide digits"),
        pytest.param("at = 「09:00」", 'at = "09:00"', id="corner brackets"),
        pytest.param('at = "09:00”', 'at = "09:00"', id="a wide closing quote"),
        pytest.param("a = 1 ＃ 说明，不动", "a = 1 # 说明，不动", id="a comment is left alone"),
        pytest.param('a = "甲，“乙”"', 'a = "甲，“乙”"', id="a text is left alone"),
        pytest.param('a = """\n，\n"""\nb＝1', 'a = """\n，\n"""\nb=1', id="a long text is left alone"),
        pytest.param('a = "x\\"，"', 'a = "x\\"，"', id="an escaped quote"),
    ],
)
def test_narrowed(text: str, meant: str) -> None:
    found = narrowed(text)
    assert found.text == meant
    assert [index for index, (a, b) in enumerate(zip(text, meant, strict=True)) if a != b] == sorted(found.wide)


@pytest.mark.parametrize(
    ("loc", "expected"),
    [
        (("rule", 0, "before", 1), "rule.甲.before.2"),
        (("rule", 1), "rule.2"),
        (("rule", 2), 'rule."a.b c"'),
        (("rule", 9), "rule.10"),
        ((), ""),
    ],
)
def test_key_path(loc: tuple[str | int, ...], expected: str) -> None:
    document = {"rule": [{"name": "甲", "before": [7, 3]}, {"kind": "nudge"}, {"name": "a.b c"}]}
    assert key_path(loc, document) == expected


def test_fault_is_one_line() -> None:
    assert one_line("a\n  b\x1b[0m\u202e") == "a b [0m "
    assert as_toml({"a": ["x", True], "b": {}}) == '{ a = ["x", true], b = {} }'
    assert len(as_toml("x" * 500)) == 60


def test_faults_are_told_once_and_in_order() -> None:
    first, second = Fault("a.toml", 2, 1, "k", "m"), Fault("a.toml", 10, 1, "k", "m")
    assert in_order([second, first, second]) == [first, second]
    assert str(first) == "a.toml:2:1: k: m"
