"""The units' directory in a workbook, and look-alikes among the names a ledger uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

from reminder.errors import UsageError
from reminder.ledger.grid import read_grid
from reminder.ledger.headers import NAMES as LEDGER_NAMES
from reminder.ledger.headers import find_header, spread
from reminder.ledger.layout import Sheet, laid_out
from reminder.ledger.rows import RowProblem
from reminder.ledger.text import cell_text, is_nothing, plain, prose, squeeze, words_of
from reminder.words import say

_NAMES: Mapping[str, tuple[str, ...]] = {
    "name": words_of("单位 单位名称 部门 部门名称 责任单位 责任部门 名称 unit name unitname department"),
    "aliases": words_of("别名 简称 曾用名 别称 单位简称 别名简称 aliases alias"),
    "email": words_of("邮箱 电子邮箱 电子邮件 邮箱地址 邮件 单位邮箱 email e-mail mail"),
    "leader": words_of("责任领导 分管领导 分管责任领导 牵头领导 领导 leader"),
    "leader_email": words_of("领导邮箱 责任领导邮箱 分管领导邮箱 领导电子邮箱 leaderemail"),
    "contact": words_of("联络岗位 联络员 联系人 经办人 联络人 contact"),
    "phone": words_of("电话 联系电话 手机 手机号 办公电话 phone telephone mobile"),
    "outside": words_of("外单位 是否外单位 outside"),
    "role": words_of("类别 类型 单位类别 单位类型 role kind"),
    "wecom": words_of("企业微信机器人 企业微信 企微机器人 企业微信群机器人 机器人 机器人地址 webhook wecom"),
    "dingtalk": words_of("钉钉机器人 钉钉 钉钉群机器人 dingtalk"),
    "feishu": words_of("飞书机器人 飞书 飞书群机器人 feishu"),
}
_ROBOTS = ("wecom", "dingtalk", "feishu")
_OUTSIDE = re.compile(r"外.*|配合(?:单位|部门)|协办(?:单位|部门)|是|√|yes|y|true", re.IGNORECASE)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PLACES = re.compile(r"^(?:[省市区县镇乡]|[\u4e00-\u9fff]{1,4}[省市区县镇乡])(?=.{2})")
_ALIKE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """One unit of the directory. `robots` only names the kinds of robots it has: their addresses are secrets."""

    row: int
    name: str
    aliases: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    leader: str | None = None
    leader_email: tuple[str, ...] = ()
    contact: str = ""
    phone: str = ""
    outside: bool = False
    robots: tuple[str, ...] = ()
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitDraft:
    """A name the ledger uses, and the names it may be another spelling of."""

    name: str
    alike: tuple[str, ...] = ()


def read_units(path: Path, sheet: str | None = None, locale: str = "zh_CN") -> tuple[UnitRow, ...]:
    """The directory in a workbook's sheet `sheet`, or in the first sheet that looks like one."""
    found = _directory(path, sheet, locale)
    rows = [_unit(found, index, locale) for index in found.below_header() if _holds_unit(found, index)]
    return _with_duplicates(rows, found, locale)


def _directory(path: Path, sheet: str | None, locale: str) -> Sheet:
    grids = read_grid(path, locale)
    names = "、".join(f"“{grid.name}”" for grid in grids)
    if sheet is not None and sheet not in {grid.name for grid in grids}:
        raise UsageError(say(locale, "ledger.no_such_sheet", sheet=sheet, sheets=names))
    for grid in grids:
        source = spread(grid)
        # a ledger names units and leaders too; it is a directory only where a person says so
        if sheet == grid.name or (sheet is None and not find_header(grid, LEDGER_NAMES, ("deadline",), source)):
            header = find_header(grid, _NAMES, ("name",), source)
            if header and {"email", "aliases", "leader", "phone"} & set(header.columns):
                return laid_out(grid, header)
    raise UsageError(say(locale, "ledger.no_directory", sheets=names))


def _holds_unit(sheet: Sheet, index: int) -> bool:
    return any(sheet.own(index, field) for field in ("name", "email", "aliases"))


def _unit(sheet: Sheet, index: int, locale: str) -> UnitRow:
    problems: list[RowProblem] = []
    name = squeeze(cell_text(sheet.value(index, "name")))
    if not name or is_nothing(name):
        problems.append(_problem(sheet, "name", "unit_name_missing", name, locale))
    leader = prose(sheet.value(index, "leader"))
    return UnitRow(
        row=index + 1,
        name="" if is_nothing(name) else name,
        aliases=_names(sheet, index, name),
        email=_addresses(sheet, index, "email", problems, locale),
        leader=None if is_nothing(leader) else leader,
        leader_email=_addresses(sheet, index, "leader_email", problems, locale),
        contact=prose(sheet.value(index, "contact")),
        phone=prose(sheet.value(index, "phone")),
        outside=any(_OUTSIDE.fullmatch(squeeze(cell_text(sheet.value(index, f)))) for f in ("outside", "role")),
        robots=tuple(kind for kind in _ROBOTS if "://" in cell_text(sheet.value(index, kind))),
        problems=tuple(problems),
    )


def _names(sheet: Sheet, index: int, name: str) -> tuple[str, ...]:
    cell = sheet.value(index, "aliases")
    parts = re.split(r"[、,;/|\s]+", plain(cell))
    return tuple(dict.fromkeys(part for part in parts if part and part != name and not is_nothing(part)))


def _addresses(sheet: Sheet, index: int, field: str, problems: list[RowProblem], locale: str) -> tuple[str, ...]:
    found = []
    for part in re.split(r"[、,;/|\s]+", plain(sheet.value(index, field))):
        if _EMAIL.fullmatch(part):
            found.append(part)
        elif part and not is_nothing(part):
            problems.append(_problem(sheet, field, "email_invalid", part, locale))
    return tuple(dict.fromkeys(found))


def _problem(sheet: Sheet, field: str, code: str, text: str, locale: str, **facts: object) -> RowProblem:
    message = say(locale, f"ledger.{code}", text=text, **facts)
    return RowProblem(code, sheet.header.title(field), text, message)


def _with_duplicates(rows: Sequence[UnitRow], sheet: Sheet, locale: str) -> tuple[UnitRow, ...]:
    marked = []
    for row in rows:
        same = [other.row for other in rows if other.name == row.name and row.name]
        if len(same) > 1:
            facts = {"name": row.name, "rows": "、".join(map(str, same))}
            problem = _problem(sheet, "name", "unit_name_duplicate", row.name, locale, **facts)
            row = replace(row, problems=(*row.problems, problem))  # noqa: PLW2901 - the row with its problem
        marked.append(row)
    return tuple(marked)


def draft_units(names: Iterable[str], known: Mapping[str, str] | None = None) -> tuple[UnitDraft, ...]:
    """The names no directory knows, each with its look-alikes. Only suggestions: 市财政局 is not 财政局."""
    known = known or {}
    unknown = [name for name in dict.fromkeys(names) if name and name not in known]
    others = [*dict.fromkeys(known.values()), *unknown]
    return tuple(UnitDraft(name, _look_alikes(name, others)) for name in unknown)


def _look_alikes(name: str, others: Sequence[str]) -> tuple[str, ...]:
    scored = [(_likeness(name, other), other) for other in others if other != name]
    return tuple(other for score, other in sorted(scored, key=lambda pair: -pair[0]) if score >= _ALIKE)[:3]


def _likeness(one: str, other: str) -> float:
    if _PLACES.sub("", one) == _PLACES.sub("", other):
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and _abbreviates(short, long):
        return _ALIKE
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _abbreviates(short: str, long: str) -> bool:
    """Whether the letters of `short` stand in `long` in this order: 代建中心 in 代建项目管理中心."""
    letters = iter(long)
    return all(letter in letters for letter in short)
