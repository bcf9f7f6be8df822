"""What a deadline cell says: the whole of it is understood, or a person is asked.

A cell is cut into clauses ("2021年5月31日前，并长期坚持"); each must be understood to the last character.
A date that is only probable is shown but not confirmed; where two readings differ no date is given at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from reminder.domain.measure import Deadline, DeadlineKind
from reminder.ledger.limits import SETTLED, SHOWN, Limit, read_limit
from reminder.ledger.recurring import read_rule
from reminder.ledger.stretches import SANE_YEARS, Frame, Impossible
from reminder.ledger.text import Cell, cell_text, is_error, is_nothing, tidy, wording
from reminder.rules.calendar import Calendar

LONGEST = 200  # a longer cell is a story, not a limit

_AT_ONCE = re.compile(
    r"([立即边])[行知查整督学说审接巡]\1[改行办整]|马上就办|"
    r"(?:立即|立刻|立行|即行|马上|即时|当场|现场|即刻)(?:整改|办理|落实|执行|纠正|完成)(?:到位)?|立即|立刻|即改|立改|immediate(?:ly)?"
)
_VERBS = (
    "坚持|推进|整改|开展|落实|改进|深化|加强|执行|实施|抓好|巩固|完善|跟进|监管|管理|推动|做好|进行|保持|提升|"
    "发力|用力|长效|整治|抓"
)
_ONGOING = re.compile(
    rf"(?:并|且|同时|然后|此后|今后|以后|之后|后续|完成后|整改后)*"
    rf"(?:(?:长期|持续|常态化?|经常性?|不断|坚持|一直)+(?:{_VERBS}|化)+|长期|常态化|长期性?工作|日常工作|常抓不懈|久久为功|(?:建立|形成|健全|完善)+长效机制|ongoing|continuous|longterm)+(?:不懈)?"
)
_CONDITIONAL = re.compile(
    r"(?:待|等|视|根据|依据?|按照?|结合|取决于|需待|须待).{2,}(?:后|之后|以后|而定|确定|明确|为准|安排|情况|进度|进展|时|推进|实施|落实|完成)"
    r"|(?:依据?|按照?)(?:.*)(?:进度|进展|情况)"
    r"|(?:自|从)?.*[^\d日月年底末旬内]{2}(?:后|之后|之日起|之日后|起)(?:的)?[\d〇一二两三四五六七八九十半]+个?(?:工作日|自然日|日|天|周|星期|月|年).{0,6}"
    r"|.*(?:而定|之后再定|后再定|后确定|后明确)"
    r"|[^\d]{2,12}(?:竣工|完工|结束|批复|审定|到位|验收|开工|换届|下发|印发|出台|通过|确定|明确|解决|签订|移交|建成|立项|招标|审批)(?:之|以)?后"
)
_DATEISH = re.compile(
    r"(?:\d{4}|[〇一二三四五六七八九]{4})(?:年|[-./])(?:[\d十一二三四五六七八九元]{1,3}(?:[-./月](?:[\d十一二三四五六七八九廿]{1,3}[日号]?|底|末|[上中下]旬)?)?|底|末)?"
    r"|[\d十一二三四五六七八九元]{1,2}月(?:[\d十一二三四五六七八九廿]{1,3}[日号]?|底|末|[上中下]旬)?|\d{1,2}[./]\d{1,2}|年底|[一二三四]季度"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = "|".join(_MONTHS)


@dataclass(frozen=True, slots=True)
class DeadlineReading:
    """A deadline and what a person should know about it: (code, facts), `facts["why"]` choosing the sentence."""

    deadline: Deadline
    problems: tuple[tuple[str, Mapping[str, object]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """The clauses of one cell by what they set."""

    limits: tuple[Limit, ...] = ()
    rules: tuple[str, ...] = ()
    at_once: bool = False
    ongoing: bool = False
    unclear: tuple[str, ...] = field(default=())


def read_deadline(
    cell: Cell,
    *,
    reference: date,
    default_year: int | None = None,
    calendar: Calendar,
    immediate_within: str | None = None,
) -> DeadlineReading:
    """The deadline a cell sets. Never raises, never guesses."""
    if isinstance(cell, (bool, time, timedelta)) or is_error(cell):
        return _invalid(cell_text(cell) or str(cell), "not_a_date")
    if isinstance(cell, date):
        day = cell.date() if isinstance(cell, datetime) else cell
        text = day.isoformat()
        return _read(DeadlineKind.DATE, text, on=day) if day.year in SANE_YEARS else _invalid(text, "year")
    text = tidy(cell) if isinstance(cell, str) else cell_text(cell)
    if is_nothing(text):
        return _read(DeadlineKind.EMPTY, text, ("deadline_empty", {}))
    try:
        return _from_words(text, Frame(reference, default_year, calendar), immediate_within)
    except (Impossible, OverflowError):
        return _invalid(text, "no_such_day")


def _read(
    kind: DeadlineKind, text: str, *problems: tuple[str, Mapping[str, object]], **rest: object
) -> DeadlineReading:
    return DeadlineReading(replace(Deadline(kind, text=text), **rest), problems)  # type: ignore[arg-type]  # fields of Deadline


def _invalid(text: str, why: str) -> DeadlineReading:
    return _read(DeadlineKind.INVALID, text, ("deadline_impossible", {"why": why}))


def _vague(text: str, code: str, why: str) -> DeadlineReading:
    return _read(DeadlineKind.VAGUE, text, (code, {"why": why}))


def _from_words(text: str, frame: Frame, immediate_within: str | None) -> DeadlineReading:
    words = _english_dates(wording(text))
    if len(words) > LONGEST:
        return _vague(text, "deadline_vague", "wording")
    words = re.sub(r"\(((?:星期|周|礼拜)[一二三四五六日天])\)", r"\1", words)
    words = re.sub(r"[\"“”‘’「」『』]", "", words)
    words = re.sub(r"\(包?含(?:当[日天])?\)", "", words)
    said = _clauses(words, frame)
    if said.unclear:
        return _not_understood(text, words, frame)
    if (
        len({limit.on for limit in said.limits}) > 1
        or (said.rules and (said.limits or said.at_once))
        or len(said.rules) > 1
    ):
        return _vague(text, "deadline_ambiguous", "two_limits")
    return _dated(text, said) if said.limits else _undated(text, said, frame, immediate_within)


def _undated(text: str, said: _Said, frame: Frame, immediate_within: str | None) -> DeadlineReading:
    if said.rules:
        return _read(DeadlineKind.RECURRING, text, rule=said.rules[0])
    if said.at_once:
        on = _within(frame, immediate_within)
        return _read(DeadlineKind.IMMEDIATE, text, on=on, computed=on is not None, then_ongoing=said.ongoing)
    return _read(DeadlineKind.ONGOING, text)


def _dated(text: str, said: _Said) -> DeadlineReading:
    doubt = next((limit.doubt for limit in said.limits if limit.doubt), None)
    on = said.limits[0].on
    if doubt is None:
        return _read(DeadlineKind.DATE, text, on=on, then_ongoing=said.ongoing)
    if doubt not in SHOWN:
        return _vague(text, "deadline_vague" if doubt == "holiday" else "deadline_ambiguous", doubt)
    problem = ("deadline_ambiguous", {"why": doubt, "date": on.isoformat() if on else ""})
    return _read(DeadlineKind.DATE, text, problem, on=on, then_ongoing=said.ongoing, confirmed=doubt in SETTLED)


def _not_understood(text: str, words: str, frame: Frame) -> DeadlineReading:
    if _CONDITIONAL.fullmatch(words.strip("()。.")):
        return _read(DeadlineKind.CONDITIONAL, text, ("deadline_conditional", {}))
    if len(_DATEISH.findall(words)) > 1:
        return _vague(text, "deadline_ambiguous", "two_limits")
    why = "weekly_one" if re.match(r"每(?:个)?(?:周|星期)一", words) else "wording"
    return _vague(text, "deadline_ambiguous" if why == "weekly_one" else "deadline_vague", why)


def _clauses(words: str, frame: Frame) -> _Said:
    whole = _clause(words, frame)
    if not whole.unclear:
        return whole
    said = _Said()
    for part in re.split(r"[,;。、()\[\]【】+]+|/(?!\d)", words):
        if part:
            said = _joined(said, _clause(part, frame))
    return said if said != _Said() else whole


def _clause(part: str, frame: Frame) -> _Said:
    if _AT_ONCE.fullmatch(part):
        return _Said(at_once=True)
    if _ONGOING.fullmatch(part):
        return _Said(ongoing=True)
    if rule := read_rule(part):
        return _Said(rules=(rule,))
    if limit := read_limit(part, frame):
        return _Said(limits=(limit,))
    return _halves(part, frame)


def _halves(part: str, frame: Frame) -> _Said:
    """Two facts run together: 立行立改2021年6月30日前, 6月底前完成并长期坚持."""
    for cut in range(2, len(part) - 1):
        if _AT_ONCE.fullmatch(part[:cut]) or _ONGOING.fullmatch(part[cut:]):
            head, tail = _clause_alone(part[:cut], frame), _clause_alone(part[cut:], frame)
            if not head.unclear and not tail.unclear:
                return _joined(head, tail)
    return _Said(unclear=(part,))


def _clause_alone(part: str, frame: Frame) -> _Said:
    if _AT_ONCE.fullmatch(part):
        return _Said(at_once=True)
    if _ONGOING.fullmatch(part):
        return _Said(ongoing=True)
    limit = read_limit(part, frame)
    return _Said(limits=(limit,)) if limit else _Said(unclear=(part,))


def _joined(one: _Said, other: _Said) -> _Said:
    return _Said(
        one.limits + other.limits, one.rules + other.rules, one.at_once or other.at_once,
        one.ongoing or other.ongoing, one.unclear + other.unclear,
    )  # fmt: skip


def _within(frame: Frame, span: str | None) -> date | None:
    """The day `immediate_within` gives: "10wd" counts working days from the day after, "10" or "10d" calendar days."""
    match = re.fullmatch(r"(\d{1,4})(wd|d)?", (span or "").strip())
    if match is None:
        return None
    count = int(match[1])
    return frame.calendar.add(frame.reference, count) if match[2] == "wd" else frame.reference + timedelta(count)


def _english_dates(words: str) -> str:
    words = re.sub(rf"({_NAMED})[a-z]*\.?(\d{{1,2}})(?:st|nd|rd|th)?[, ]{{1,2}}(\d{{4}})", _iso, words)
    return re.sub(rf"(\d{{1,2}})(?:st|nd|rd|th)?({_NAMED})[a-z]*[.,]?(\d{{4}})", _iso, words)


def _iso(match: re.Match[str]) -> str:
    month, day = (match[1], match[2]) if match[1].isalpha() else (match[2], match[1])
    return f"{match[3]}-{_MONTHS.index(month) + 1:02}-{int(day):02}"
