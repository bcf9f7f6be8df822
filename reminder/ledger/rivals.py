"""Columns that carry a field's name beside the column chosen for it: none of them may be passed over in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reminder.ledger.text import Cell, cell_text, is_nothing, squeeze, words_of

# 完成时间 beside 整改时限 is the day on which it was done
_MAY_BE_THE_PAST = frozenset(words_of("完成时间 整改时间 完成日期 结束时间 结束日期 截止 止 deadline duedate due"))
_MOVED = re.compile(
    r"(?:调整|延期|变更|展期|顺延|延长|修订|重新确定|最新|新)(?:后|的)*(?:整改|完成|办结|办理)*(?:时限|期限|时间|日期)"
    r"|(?:整改|完成|办结|办理)*(?:时限|期限)(?:调整|延期|变更)(?:后|至|为)?"
)
_ASIDE = re.compile(r"备注|说明|依据|理由|原因|天数|状态|要求|.*人员?|.*电话|(?:剩余|是否|预警|提醒).*")
_LEADING = frozenset(words_of("牵头单位 牵头部门 牵头责任单位 牵头责任部门 主责单位 主责部门 主办单位 牵头 主责"))


def rivals(
    spellings: Sequence[Sequence[str]], columns: Mapping[str, int], limits: tuple[str, ...], *, configured: int
) -> dict[str, tuple[int, ...]]:
    """By field, the other columns whose cells count: a further limit, and who leads beside who is responsible.

    `limits` are the names of a limit, the first `configured` of them the office's own.
    """
    free = [column for column in range(len(spellings)) if column not in columns.values()]
    found: dict[str, tuple[int, ...]] = {}
    if "deadline" in columns:
        least = _tier(spellings[columns["deadline"]], limits, configured)
        found["deadline"] = tuple(
            column
            for column in free
            if not any(map(_ASIDE.fullmatch, spellings[column][:1]))
            and (_tier(spellings[column], limits, configured) <= least or any(map(_MOVED.fullmatch, spellings[column])))
        )
    if "units" in columns and not _LEADING.intersection(spellings[columns["units"]][:1]):
        found["units"] = tuple(column for column in free if _LEADING.intersection(spellings[column][:1]))
    return {field: others for field, others in found.items() if others}


def _tier(spelling: Sequence[str], limits: tuple[str, ...], configured: int) -> int:
    """How surely a column's name means the limit: 0 by the office's word, 1, 2 it may be the past, 3 not at all."""
    tiers = (
        0 if limits.index(name) < configured else 2 if name in _MAY_BE_THE_PAST else 1
        for name in spelling
        if name in limits
    )
    return min(tiers, default=3)


def code_beside_text(
    spellings: Sequence[Sequence[str]], columns: dict[str, int], codes: tuple[str, ...]
) -> dict[str, int]:
    """Of two columns called 序号 the one next to the measures numbers them, the first their problems."""
    if not {"code", "text"} <= columns.keys() or "problem" in columns:
        return columns
    same = spellings[columns["code"]]
    between = range(columns["code"] + 1, columns["text"])
    twins = [column for column in between if column not in columns.values() and spellings[column][:1] == same[:1]]
    return {**columns, "problem": columns["code"], "code": twins[-1]} if twins and same[0] in codes else columns


def together(field: str, cells: Sequence[Cell]) -> Cell:
    """What the chosen column (first) and its rivals say together. Limits that differ stay two: a person is asked."""
    said = {squeeze(text): cell for cell in cells if not is_nothing(text := cell_text(cell))}
    if len(said) < 2:
        return next(iter(said.values()), cells[0])
    texts = [cell_text(cell) for cell in said.values()]
    return "；".join(texts) if field == "deadline" else "、".join((*texts[1:], texts[0]))
