"""Recurring limits as RFC 5545 rules: 每周一, 每月25日前, 每季度末, 每半年."""

from __future__ import annotations

import re

from reminder.ledger.text import NUMBER, number

_WEEKDAYS = {"一": "MO", "二": "TU", "三": "WE", "四": "TH", "五": "FR", "六": "SA", "日": "SU", "天": "SU", "末": "SU"}
_ENGLISH = {
    "daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY;BYDAY=SU", "monthly": "FREQ=MONTHLY;BYMONTHDAY=-1",
    "quarterly": "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1", "yearly": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
    "annually": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
}  # fmt: skip
_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DEEDS = "开展|报送|上报|报告|通报|调度|召开|更新|推进|研究|组织|进行|完成|检查|汇报|督查|会商|梳理"
# "every week once": the quota is not a limit, the end of the period is
_TIMES = rf"(?:至少|不少于|定期)?(?:{_DEEDS})?(?:不少于|至少)?(?:{NUMBER}次)?(?:{_DEEDS})?"
_END = r"(?:之前|以前|前)?"


def read_rule(text: str) -> str | None:
    """The rule that the whole text sets, without "RRULE:"; None where it sets none that is fully understood."""
    if text in _ENGLISH:
        return _ENGLISH[text]
    if text.startswith("every") and text[5:] in _ENGLISH_DAYS:
        return f"FREQ=WEEKLY;BYDAY={text[5:7].upper()}"
    text = re.sub(r"^[按逐](周|月|季度?|年度?)", r"每\1", text)
    if not text.startswith("每"):
        return None
    readers = (_daily, _weekly, _monthly, _quarterly, _yearly)
    return next((rule for reader in readers if (rule := reader(text[1:].removeprefix("个")))), None)


def _daily(text: str) -> str | None:
    if re.fullmatch(rf"工作日{_TIMES}", text):
        return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    return "FREQ=DAILY" if re.fullmatch(rf"[天日]{_TIMES}", text) else None


def _weekly(text: str) -> str | None:
    if match := re.fullmatch(rf"(?:({NUMBER})个?)?(?:周|星期|礼拜){_TIMES}", text):
        every = number(match[1]) if match[1] else 1
        if every is not None and re.match(r"(?:周|星期|礼拜)[一二三四五六日天](?!次)", text) is None:
            return _with_interval("FREQ=WEEKLY", every, "BYDAY=SU")
    # 每周一通报 is Monday to one office and "weekly" to another: after 一 only 前 is plain
    match = re.fullmatch(
        rf"(?:周|星期|礼拜)([一二三四五六日天末](?:[、,和](?:周|星期)?[一二三四五六日天])*)(?:{_END}|(?<!一)(?:{_DEEDS}))",
        text,
    )
    if match is None:
        return None
    days = [_WEEKDAYS[c] for c in match[1] if c in _WEEKDAYS]
    return f"FREQ=WEEKLY;BYDAY={','.join(dict.fromkeys(days))}"


def _monthly(text: str) -> str | None:
    if match := re.fullmatch(rf"(?:({NUMBER})个)?月度?(?:月?(?:底|末|下旬){_END}|{_TIMES}|一(?:{_DEEDS}|报))", text):
        every = number(match[1]) if match[1] else 1
        return None if every is None else _with_interval("FREQ=MONTHLY", every, "BYMONTHDAY=-1")
    if match := re.fullmatch(rf"月度?([上中])旬{_END}", text):
        return f"FREQ=MONTHLY;BYMONTHDAY={10 if match[1] == '上' else 20}"
    match = re.fullmatch(rf"月((?:{NUMBER})[日号]?(?:[、,和]{NUMBER}[日号]?)*)(?<=[日号]){_END}(?:{_DEEDS})?", text)
    if match is None:
        return None
    days = [number(part) for part in re.split(r"[日号、,和]+", match[1]) if part]
    return _on_days("FREQ=MONTHLY", days)


def _on_days(head: str, days: list[int | None]) -> str | None:
    if len(days) == 1 and days[0] in (29, 30, 31):  # a short month has its last day instead
        last = days[0]
        numbers = ",".join(str(day) for day in range(28, last + 1))
        return f"{head};BYMONTHDAY=-1" if last == 31 else f"{head};BYMONTHDAY={numbers};BYSETPOS=-1"
    if all(day is not None and 1 <= day <= 28 for day in days):
        return f"{head};BYMONTHDAY={','.join(str(day) for day in days)}"
    return None


def _quarterly(text: str) -> str | None:
    if re.fullmatch(rf"季度?(?:(?:底|末){_END}|{_TIMES}|一(?:{_DEEDS}|报))", text):
        return "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=-1"
    match = re.fullmatch(rf"季度?(首个?|第一个|末个?|最后一个)月({NUMBER})[日号]{_END}", text)
    if match:
        months = "1,4,7,10" if match[1][0] in "首第" else "3,6,9,12"
        return _on_days(f"FREQ=MONTHLY;BYMONTH={months}", [number(match[2])])
    return None


def _yearly(text: str) -> str | None:
    if re.fullmatch(rf"半年度?(?:(?:底|末){_END}|{_TIMES})", text):
        return "FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=-1"
    if re.fullmatch(rf"年度?(?:年?(?:底|末){_END}|{_TIMES})", text):
        return "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31"
    match = re.fullmatch(rf"年度?({NUMBER}|元)月份?(?:底|末|({NUMBER})[日号])?{_END}", text)
    if match is None:
        return None
    month = 1 if match[1] == "元" else number(match[1])
    if month is None or month not in range(1, 13):
        return None
    last = {2: -1, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    day = number(match[2]) if match[2] else last
    if day is None or (match[2] and not 1 <= day <= (28 if month == 2 else last)):
        return None
    return f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={day}"


def _with_interval(freq: str, every: int, by: str) -> str | None:
    if not 1 <= every <= 60:
        return None
    return f"{freq};{by}" if every == 1 else f"{freq};INTERVAL={every};{by}"
