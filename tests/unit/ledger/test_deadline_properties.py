"""A wrong date is the one unforgivable answer: what no example list can show."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminder.ledger.deadline_text import read_deadline
from reminder.rules.calendar import Calendar

CALENDAR = Calendar()
REFERENCE = date(2021, 4, 8)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
LETTERS = (
    "年月日号底末前内旬上中下季度周每个工作天一二三四五六七八九十〇两半待视后至到-~./:：（）()，、；0123456789 \n\u3000"
    "完成长期坚持立行改春节国庆今明本次TQtq%"
)
STRANGE = (
    "起",
    "后",
    "以后",
    "左右",
    "前后",
    "另行通知",
    "下雨顺延",
    "不含",
    "前期",
    "或次日",
    "之外",
    "暂定",
    "完成八成",
    "原",
)
FORMATS = {
    "iso": "{0.year}-{0.month:02}-{0.day:02}",
    "slashes": "{0.year}/{0.month}/{0.day}",
    "dots": "{0.year}.{0.month}.{0.day}",
    "eight figures": "{0.year}{0.month:02}{0.day:02}",
    "Chinese": "{0.year}年{0.month}月{0.day}日前",
    "with a label": "完成时限：{0.year}年{0.month}月{0.day}日（含）前完成",
}


def read(text, default_year=None):
    return read_deadline(text, reference=REFERENCE, default_year=default_year, calendar=CALENDAR)


@given(st.one_of(st.text(max_size=30), st.text(LETTERS, max_size=14)), st.sampled_from([None, 2021]))
def test_no_text_raises_and_every_reading_is_whole(text, default_year):
    reading = read(text, default_year)
    deadline = reading.deadline
    assert (deadline.on is not None) <= (deadline.kind in ("date", "immediate"))
    assert (deadline.kind == "recurring") == (deadline.rule is not None)
    assert bool(reading.problems) >= (
        deadline.kind in ("vague", "conditional", "invalid", "empty") or not deadline.confirmed
    )


@given(
    st.one_of(
        st.integers(), st.floats(allow_nan=True), st.booleans(), st.none(), st.dates(), st.datetimes(), st.times()
    )
)
def test_no_cell_raises(cell):
    deadline = read(cell).deadline
    assert deadline.on is None or 2000 <= deadline.on.year < 2100


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@given(day=DAYS)
def test_a_whole_date_comes_back(form, day):
    reading = read(form.format(day))
    assert (reading.deadline.on, reading.problems) == (day, ())


@given(
    day=DAYS,
    word=st.sampled_from(STRANGE),
    ahead=st.booleans(),
)
def test_a_word_outside_the_grammar_takes_the_date_away(day, word, ahead):
    text = f"{day.year}年{day.month}月{day.day}日"
    reading = read(f"{word}{text}" if ahead else f"{text}{word}")
    assert reading.deadline.on is None
    assert reading.problems


@given(one=DAYS, other=DAYS, between=st.sampled_from(["，", "、", "或", "\n", "；", " / "]))
def test_two_dates_are_no_date(one, other, between):
    reading = read(f"{one:%Y-%m-%d}{between}{other:%Y-%m-%d}")
    assert (reading.deadline.on is None) or one == other
