"""Which row holds the column names, and which column is which."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reminder.ledger.grid import Grid
from reminder.ledger.rivals import code_beside_text, rivals
from reminder.ledger.text import cell_text, squeeze, tidy, words_of

SEARCHED_ROWS = 40
DEEPEST = 3  # rows one header may take

# by field, the usual names; where two columns fit, the earlier name wins
NAMES: Mapping[str, tuple[str, ...]] = {
    "deadline": words_of(
        """
        整改时限 整改完成时限 整改期限 完成时限 完成期限 整改完成时间 计划完成时间 拟完成时间 计划完成时限
        完成时限要求 办结时限 办理时限 办结期限 落实时限 时限要求 截止日期 截止时间 时限 期限 完成时间 整改时间
        整改截止时间 整改截止日期 计划完成日期 计划完成期限 预计完成时间 预计完成日期 要求完成时间 要求完成时限
        要求完成日期 规定时限 规定完成时限 完成时限节点 完成时间节点 时间节点 时间要求 办理期限 销号时限
        到期时间 到期日 到期日期 完成日期 整改时限要求 整改完成期限 结束时间 结束日期 截止 止 deadline duedate due
        """
    ),
    "units": words_of(
        """
        责任部门 责任单位 责任部门牵头 责任单位牵头 牵头单位 牵头部门 牵头责任单位 牵头责任部门 主责单位 主责部门
        主办单位 承办单位 承办部门 整改责任单位 整改责任部门 整改单位 责任主体 整改主体 落实单位 牵头 主责 责任科室
        责任单位及责任人 责任单位和责任人 责任单位/责任人 责任部门及责任人 责任部门/单位 责任单位/部门 责任部门单位
        责任单位部门 责任处室 牵头处室 责任股室 牵头科室 承担单位 整改牵头单位 整改牵头部门 整改责任主体 责任方
        具体责任单位 主体责任单位 直接责任单位 归口单位 归口部门
        unit units responsibleunit owner
        """
    ),
    "supporting_units": words_of(
        """
        配合单位 配合部门 协办单位 协办部门 责任部门配合 责任单位配合 协同单位 参与单位 配合责任单位 配合责任部门
        配合 协办 supportingunits supportingunit
        """
    ),
    "text": words_of(
        """
        整改措施 具体措施 具体整改措施 整改具体措施 工作措施 措施 措施内容 整改任务 整改任务及措施 整改举措 整改内容
        工作任务 主要任务 任务 任务内容 工作内容 重点工作 整改要求 measure action task
        """
    ),
    "code": words_of(
        """
        序号 措施编号 措施序号 整改措施编号 整改措施序号 任务编号 任务序号 事项编号 措施号 顺序号
        编号 代码 code no. no id
        """
    ),
    "problem": words_of("问题编号 问题序号 问题号 问题编码 problemno problemcode"),
    "problem_text": words_of(
        """
        问题 存在问题 反馈问题 巡察反馈问题 巡视反馈问题 具体问题 问题描述 问题内容 主要问题 发现问题 审计发现问题
        问题清单 反馈意见 problem finding
        """
    ),
    "aspect": words_of(
        """
        方面 类别 问题类别 问题分类 问题类型 大类 分类 aspect category
        """
    ),
    "goal": words_of(
        """
        成效目标 整改目标 目标 预期目标 预期成效 整改成效目标 goal
        """
    ),
    "leader": words_of(
        """
        责任领导 分管领导 牵头领导 包案领导 挂点领导 责任区领导 牵头区领导 分管责任领导 督办领导 包联领导 主管领导
        主要责任领导 牵头责任领导 领导责任人 整改责任人 责任人 负责人 leader
        """
    ),
    "status": words_of(
        """
        状态 整改状态 进展状态 完成状态 办理状态 销号状态 目前状态 当前状态 是否完成 完成情况 整改完成情况
        整改情况 办结状态 进度状态 是否销号 是否办结 是否整改到位 整改结果 status
        """
    ),
    "percent": words_of(
        """
        完成比例 完成率 完成百分比 完成进度 整改进度 整改完成率 整改完成比例 完成度 整改完成度 完成比率 进展百分比
        百分比 当前进度 目前进度 进度 percent progress%
        """
    ),
    "progress": words_of(
        """
        最近进展 最新进展 整改进展 进展情况 整改进展情况 工作进展 目前进展 落实情况 整改落实情况 整改情况 进展
        进展说明 具体进展 办理进展 办理情况 整改进展及成效 进展及成效 整改成效 工作进展情况 完成情况 整改完成情况
        progress
        """
    ),
    "progress_on": words_of(
        """
        最近进展日期 最新进展日期 进展日期 更新日期 更新时间 进展时间 填报日期 progressdate updated
        """
    ),
    "parent": words_of("上级序号 上级编号 父级序号 parent"),
    "tags": words_of("标签 专班 tags tag"),
    "standing": words_of("挂账 是否挂账 长期挂账 standing"),
}
# lower titles under 完成时限 that are not, or not alone, the limit: 开始时间 beside 结束时间, 年 beside 月, 原时限
_NOT_THE_LIMIT = re.compile(
    r"(?:计划|预计)?(?:开始|起始|启动|开工|起)(?:时间|日期|时限)?|自|从|年度?|年份|月份?|日"
    r"|(?:实际|原|延期|调整|变更)\D{0,4}(?:时间|日期|时限|期限)"
)
_PART_OF_LIMIT = re.compile(rf"{_NOT_THE_LIMIT.pattern}|(?:计划|预计)?(?:结束|截止|完成)(?:时间|日期|时限)?|止|至")


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header stands (rows from 0), the column of each field, and what the sheet calls it."""

    first_row: int
    last_row: int
    columns: Mapping[str, int]
    titles: Mapping[str, str]
    words: tuple[frozenset[str], ...]  # by column, every text of the header, for finding it repeated
    others: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)  # further columns of a field

    def title(self, field: str) -> str:
        """The header text of a field as in the sheet; empty where the sheet has no such column."""
        return self.titles.get(field, "")


def spread(grid: Grid) -> dict[tuple[int, int], tuple[int, int]]:
    """For each cell covered by a merge, the merge's first cell. Merges may reach past the last row and column."""
    source: dict[tuple[int, int], tuple[int, int]] = {}
    for top, left, bottom, right in grid.merges:
        for row in range(top, min(bottom, len(grid.rows) - 1) + 1):
            for column in range(left, min(right, grid.width - 1) + 1):
                source[row, column] = (top, left)
    return source


def find_header(
    grid: Grid,
    names: Mapping[str, tuple[str, ...]],
    needed: Sequence[str],
    source: Mapping[tuple[int, int], tuple[int, int]],
) -> Header | None:
    """The header that names most fields, `needed` among them; of equals the shallowest, then the upper one."""
    return header_among(grid, names, needed, source, range(min(SEARCHED_ROWS, len(grid.rows))))


def header_among(
    grid: Grid,
    names: Mapping[str, tuple[str, ...]],
    needed: Sequence[str],
    source: Mapping[tuple[int, int], tuple[int, int]],
    firsts: Iterable[int],
) -> Header | None:
    """The best header that begins in one of the rows `firsts`."""
    best: Header | None = None
    best_rank = (0, 0)  # fields found, and how shallow
    for first in firsts:
        for depth in range(DEEPEST):
            if first + depth >= len(grid.rows):
                break
            header = _header(grid, names, source, first, first + depth)
            rank = (len(header.columns), -depth)
            if rank > best_rank and all(field in header.columns for field in needed):
                best, best_rank = header, rank
    return best and _one_limit(grid, names, source, _whole(grid, best), needed)


def _whole(grid: Grid, header: Header) -> Header:
    """The header with all the rows that its merged cells reach."""
    first, last = header.first_row, header.last_row
    for top, left, bottom, right in grid.merges:
        if left == right and left in header.columns.values() and top <= header.last_row and bottom >= header.first_row:
            first, last = min(first, top), max(last, bottom)
    if last - first >= DEEPEST:  # a merge that runs on into the data is no part of the header
        return header
    return replace(header, first_row=first, last_row=last)


def _one_limit(
    grid: Grid,
    names: Mapping[str, tuple[str, ...]],
    source: Mapping[tuple[int, int], tuple[int, int]],
    header: Header,
    needed: Sequence[str],
) -> Header | None:
    """The header with a deadline parted into 开始 and 结束 taken from the right part; None where none is right."""
    column = header.columns.get("deadline")
    if column is None:
        return header
    last = header.last_row
    below = squeeze(cell_text(grid.cell(last + 1, column)))
    numbered = "code" in header.columns and squeeze(cell_text(grid.cell(last + 1, header.columns["code"])))
    if below and not numbered and _PART_OF_LIMIT.fullmatch(below) and last + 1 - header.first_row < DEEPEST:
        last += 1
    parts = [squeeze(cell_text(grid.cell(row, column))) for row in range(header.first_row, last + 1)]
    if not any(map(_PART_OF_LIMIT.fullmatch, parts)):
        return header
    deeper = _header(grid, names, source, header.first_row, last)
    return deeper if all(field in deeper.columns for field in needed) else None


def _header(
    grid: Grid,
    names: Mapping[str, tuple[str, ...]],
    source: Mapping[tuple[int, int], tuple[int, int]],
    first: int,
    last: int,
) -> Header:
    stacks = [
        [cell_text(grid.cell(*source.get((row, column), (row, column)))) for row in range(first, last + 1)]
        for column in range(grid.width)
    ]
    stacks = [list(dict.fromkeys(text for text in stack if text)) for stack in stacks]
    columns = _assign(stacks, names)
    spellings = [_spellings(stack) if _may_be_limit(stack) else [] for stack in stacks]
    limits = names.get("deadline", ())
    configured = len(limits) - len(NAMES["deadline"])
    others = rivals(spellings, columns, limits, configured=configured) if limits else {}
    columns = code_beside_text(spellings, columns, names.get("code", ()))
    titles = {field: _title(grid, source, first, last, column) for field, column in columns.items()}
    words = tuple(frozenset(map(squeeze, stack)) for stack in stacks)
    return Header(first, last, columns, titles, words, others)


def _title(grid: Grid, source: Mapping[tuple[int, int], tuple[int, int]], first: int, last: int, column: int) -> str:
    for row in range(last, first - 1, -1):
        if text := grid.cell(*source.get((row, column), (row, column))):
            return tidy(text)
    return ""


def _assign(stacks: Sequence[Sequence[str]], names: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Each field gets the column with its best name; a column serves one field."""
    fits = sorted(
        (order, rank, column, field)
        for column, stack in enumerate(stacks)
        for order, text in enumerate(_spellings(stack))
        for field, aliases in names.items()
        if (rank := _place(text, aliases)) is not None and not (field == "deadline" and not _may_be_limit(stack))
    )
    columns: dict[str, int] = {}
    for _order, _rank, column, field in fits:
        if field not in columns and column not in columns.values():
            columns[field] = column
    return columns


def _may_be_limit(stack: Sequence[str]) -> bool:
    return len(stack) < 2 or not _NOT_THE_LIMIT.fullmatch(squeeze(stack[-1]))


def _place(text: str, aliases: tuple[str, ...]) -> int | None:
    return aliases.index(text) if text in aliases else None


def _spellings(stack: Sequence[str]) -> list[str]:
    """What a column may be called: its lowest text, both texts together, the upper text; with and without notes."""
    lowest_first = [*reversed(stack), "".join(stack)] if len(stack) > 1 else list(stack)
    if len(stack) > 1:
        lowest_first.insert(1, lowest_first.pop())
    texts = [squeeze(text).lower().strip("*:：") for text in lowest_first]
    bare = [re.sub(r"[(\[【〔].*?[)\]】〕]|[*:]", "", text) for text in texts]
    joined = [re.sub(r"[()\[\]【】〔〕]", "", text) for text in texts]
    return list(dict.fromkeys(name for group in zip(texts, joined, bare, strict=True) for name in group if name))


def with_extra(extra: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The usual names after those the office has configured."""
    fields = dict.fromkeys([*NAMES, *extra])
    return {
        field: (*(squeeze(name).lower() for name in extra.get(field, ())), *NAMES.get(field, ())) for field in fields
    }
