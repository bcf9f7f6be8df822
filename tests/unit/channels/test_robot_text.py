"""Text for robots: made harmless, and cut to bytes without cutting a character or a date in two."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminder.channels.robot_text import Weigh, cut, fitted, in_bytes, in_json, literal, plain

HOSTILE = st.lists(
    st.sampled_from(
        [
            *(
                "<@all>",
                '<at user_id="all"></at>',
                "<at id=all></at>",
                "&lt;@all&gt;",
                "&#60;@all>",
                "<font color=red>",
            ),
            *(
                "[查看](https://evil.example)",
                "![](https://evil.example/x.png)",
                "`",
                "```",
                "**",
                "__",
                "~~",
                "|",
                "\\",
            ),
            *(
                "\n",
                "\r\n",
                "\u2028",
                "# ",
                "> ",
                "- ",
                "1. ",
                "===",
                "\x00",
                "\u202e",
                "\u200b",
                "\ud800",
                "<",
                "&",
                ";",
            ),
            *("https://r.example.org/a_b*c?x=1&y=2", "第73项", "😀", "é", " ", "\t", "a_b", "@13800000000"),
        ]
    )
    | st.text(max_size=5),
    max_size=30,
).map("".join)
WEIGHTS = pytest.mark.parametrize("weigh", [in_bytes, in_json])


@settings(deadline=None)
@given(HOSTILE)
def test_no_tag_mention_or_hidden_character_is_left_in_plain_text(text: str) -> None:
    shown = plain(text)
    assert "<" not in shown
    assert not re.search(r"&#?\w{1,31};", shown)
    assert all(unicodedata.category(char)[0] != "C" for char in shown.replace("\n", ""))


@settings(deadline=None)
@given(HOSTILE)
def test_no_markup_is_left_in_markdown_but_the_letters_own(text: str) -> None:
    for line in literal(text).split("\n"):
        own = re.fullmatch(r"\*\*(.+)\*\*", line)
        bare = re.sub(r"https?://[\x21-\x7e]+", "", own[1] if own else line)
        assert not re.search(r"[<\[\]`*~|\\]", bare)
        assert not re.match(r"[#>+=-]|\d+[.)](\s|$)|\s", line)
        assert not re.search(r"(^|[\W_])_|_($|[\W_])", bare)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("点击[此处](https://evil.example)", "点击［此处］(https://evil.example)"),
        ("<font color='warning'>已销号</font>", "＜font color='warning'>已销号＜/font>"),
        ("# 通知", "＃ 通知"),
        ("> 引用", "＞ 引用"),
        ("7. 修订办法", "7． 修订办法"),
        ("2021.6.30前完成", "2021.6.30前完成"),
        ("编号 A_1、_重点_、**急**", "编号 A_1、＿重点＿、＊＊急＊＊"),
        ("https://r.example.org/r/a_b-c?x=1&y=_2", "https://r.example.org/r/a_b-c?x=1&y=_2"),
        ("      所属问题：甲", "所属问题：甲"),
        ("━━ 在办措施（2 项）", "**在办措施（2 项）**"),
        ("━━ 标题** <@all>", "**标题＊＊ ＜@all>**"),
    ],
)
def test_markdown_shows_what_was_typed(typed: str, shown: str) -> None:
    assert literal(typed) == shown


@WEIGHTS
@settings(deadline=None)
@given(text=HOSTILE, room=st.integers(0, 200))
def test_what_is_cut_fits_and_is_the_beginning(weigh: Weigh, text: str, room: int) -> None:
    text = plain(text)
    kept = cut(text, room, weigh)
    assert weigh(kept) <= room
    assert text.startswith(kept)


@WEIGHTS
@settings(deadline=None)
@given(text=st.text(alphabet='甲é😀a"', min_size=1, max_size=80), room=st.integers(0, 100))
def test_within_one_line_no_byte_is_wasted(weigh: Weigh, text: str, room: int) -> None:
    kept = cut(text, room, weigh)
    assert kept == text or weigh(text[: len(kept) + 1]) > room


@WEIGHTS
@settings(deadline=None)
@given(parts=st.tuples(HOSTILE, HOSTILE, HOSTILE), room=st.integers(40, 3000), times=st.integers(1, 60))
def test_a_letter_is_never_over_its_room_and_keeps_its_number(
    weigh: Weigh, parts: tuple[str, str, str], room: int, times: int
) -> None:
    text, brief, tail = plain(parts[0] * times), plain(parts[1]), plain(parts[2])
    found = fitted(text, brief, f"{tail}\n编号 R-42", room, weigh)
    assert weigh(found) <= room
    assert found == text or "R-42" in found


def test_a_cut_falls_between_measures_because_half_a_date_is_a_wrong_date() -> None:
    measures = [f"{n}  措施\n时限：2021年6月{n}日" for n in range(10, 31)]
    text = "\n\n".join(measures)
    for room in range(200, 700, 7):
        kept = cut(text, room, in_bytes)
        assert kept.split("\n\n") == measures[: len(kept.split("\n\n"))]


def test_where_little_room_is_left_one_sentence_says_it() -> None:
    text, brief, tail = "建设局：\n\n" + "措施" * 400, "建设局：逾期3项。", "…（共12项，详见台账）\n提醒编号：R-42"
    assert fitted(text, brief, tail, 300, in_bytes) == f"{brief}\n\n{tail}"
    assert fitted(text, brief, tail, 1500, in_bytes).startswith("建设局：\n\n措施措施")
