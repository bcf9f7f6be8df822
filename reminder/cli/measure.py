"""`reminder measure …`: what the office does to one measure; each act is a dated event of its history."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, cast

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json, print_table

measure = typer.Typer(no_args_is_help=True, help="查看和处理一条措施 · One measure: look at it, act on it.")

_TOLD = (
    "to",
    "until",
    "review",
    "allowed_by",
    "evidence",
    "percent",
    "tags",
    "parent",
)  # facts shown beside the reason
Code = Annotated[str, typer.Argument(metavar="CODE", help="序号，或 台账/序号 · The code, or LEDGER/CODE.")]
On = Annotated[
    date | None, typer.Option("--on", parser=parse_day, metavar="DATE", help="哪一天（默认今天）· Default: today.")
]
By = Annotated[str, typer.Option("--by", metavar="WHO", help="经办人 · Who.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="依据、理由 · Why, and with what evidence.")]
Until = Annotated[
    date | None,
    typer.Option("--until", parser=parse_day, metavar="DATE", help="哪一天起恢复 · The day on which it opens again."),
]
Review = Annotated[date | None, typer.Option("--review", parser=parse_day, metavar="DATE", help="复查日 · Review on.")]
To = Annotated[date, typer.Option("--to", parser=parse_day, metavar="DATE", help="新时限 · The new deadline.")]
Percent = Annotated[int | None, typer.Option("--percent", min=0, max=100, help="完成比例 · Percent.")]
Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="进展情况 · What was done.")]


class Result(StrEnum):
    """What a look-back found."""

    HELD = "held"
    SLIPPED = "slipped"


@measure.command("show")
def show(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """看一条措施和它的经过 · One measure and its history."""
    from sqlmodel import col

    from reminder.facts import measure_facts
    from reminder.office.beside import children
    from reminder.office.find import find
    from reminder.office.history import history
    from reminder.store.engine import reading
    from reminder.store.measures import load_measures
    from reminder.store.tables import MeasureRow
    from reminder.words import say

    app = open_app(context)
    locale = app.configuration.locale
    with reading(app.engine) as session:
        row = find(session, code, locale)
        (found,) = load_measures(session, col(MeasureRow.id) == row.id)
        past = history(session, code, locale)
        beside = {"parent": row.parent, "children": [child.code for child in children(session, row)]}
    facts = measure_facts(found, app.today()) | {"blocked_by": found.blocked_by}
    facts |= {"tags": list(found.tags), "standing": found.standing, **beside}
    events = [
        {"on": one.on, "act": one.act, "status": one.status, "by": one.by, "because": one.because, **one.facts}
        | ({"planned": True} if one.planned else {})
        for one in past
    ]
    if as_json:
        print_json({**facts, "history": events})
        return
    print_table(f"{found.key} {found.text}", ("", ""), _shown(facts, locale))
    columns = say(locale, "measures.history").split("|")
    print_table("", columns, (_event(event, locale) for event in events))


def _shown(facts: dict[str, Any], locale: str) -> list[tuple[str, Any]]:
    """The facts under the names that the office's ledger uses."""
    from reminder.words import say

    plain = {
        **facts,
        "deadline": facts["deadline"]["date"] or facts["deadline"]["text"],
        "status": say(locale, f"letters.status_{facts['status']}"),
        "colour": say(locale, f"measures.{facts['colour']}") if facts["colour"] else "",
        "standing": say(locale, "measures.yes") if facts["standing"] else "",
    }
    names = zip(say(locale, "measures.fields").split("|"), plain.values(), strict=True)
    return [(name, _plain(value)) for name, value in names]


def _event(event: dict[str, Any], locale: str) -> tuple[Any, ...]:
    from reminder.words import say

    act = say(locale, "measures.ended_by_itself" if event.get("planned") else f"office.act_{event['act']}")
    if event.get("result"):
        act += f"：{say(locale, 'measures.' + event['result'])}"
    status = say(locale, f"letters.status_{event['status']}") if event["status"] else ""
    told = [
        event["because"],
        *(say(locale, f"measures.{name}", it=_plain(it)) for name in _TOLD if (it := event.get(name))),
    ]
    return event["on"], act, status, event["by"], say(locale, "measures.semicolon").join(told)


def _plain(value: Any) -> Any:
    return "、".join(value) if isinstance(value, list) else value


@measure.command("progress")
def progress(
    context: typer.Context,
    code: Code,
    by: By,
    because: Because = "",
    on: On = None,
    percent: Percent = None,
    text: Text = "",
) -> None:
    """登记进展 · Record progress."""
    _act(context, code, "progress", on, by=by, because=because or text, percent=percent, text=text or because)


@measure.command("claim")
def claim(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """单位申请销号 · The unit says it is done."""
    _act(context, code, "claim", on, by=by, because=because)


@measure.command("return")
def return_(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """退回销号申请 · Not accepted; chased again."""
    _act(context, code, "return", on, by=by, because=because)


@measure.command("write-off")
def write_off(
    context: typer.Context,
    code: Code,
    by: By,
    because: Because,
    on: On = None,
    evidence: Annotated[str, typer.Option("--evidence", metavar="TEXT", help="佐证材料 · The evidence.")] = "",
    despite_children: Annotated[
        bool, typer.Option("--despite-children", help="下级措施未办结也销号 · Though children are not done.")
    ] = False,
) -> None:
    """销号 · Written off by the office."""
    facts = {"evidence": evidence, "despite_children": despite_children}
    _act(context, code, "write_off", on, by=by, because=because, **facts)


@measure.command("suspend")
def suspend(
    context: typer.Context,
    code: Code,
    by: By,
    because: Because,
    on: On = None,
    until: Until = None,
    review: Review = None,
) -> None:
    """暂缓（须有期限或复查日）· Suspended until a day, or until a review."""
    _act(context, code, "suspend", on, by=by, because=because, until=until, review=review)


@measure.command("resume")
def resume(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """恢复 · Chased again after a suspension."""
    _act(context, code, "resume", on, by=by, because=because)


@measure.command("decline")
def decline(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """不予采纳 · Another body refused; never counted as done."""
    _act(context, code, "decline", on, by=by, because=because)


@measure.command("extend")
def extend(
    context: typer.Context,
    code: Code,
    to: To,
    by: By,
    because: Because,
    on: On = None,
    allowed_by: Annotated[
        str, typer.Option("--allowed-by", metavar="WHO", help="谁批准的（默认 --by）· Who allowed it.")
    ] = "",
) -> None:
    """延期 · A new deadline; the old one is kept."""
    _act(context, code, "extend", on, by=by, because=because, to=to, allowed_by=allowed_by)


@measure.command("ask-extension")
def ask_extension(context: typer.Context, code: Code, to: To, by: By, because: Because, on: On = None) -> None:
    """单位申请延期 · A unit asks for an extension."""
    _act(context, code, "ask_extension", on, by=by, because=because, to=to)


@measure.command("refuse-extension")
def refuse_extension(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """不同意延期 · The extension asked for is not allowed."""
    _act(context, code, "refuse_extension", on, by=by, because=because)


@measure.command("phase-complete")
def phase_complete(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """登记阶段性完成，仍挂账催办 · Complete for now; it is still chased."""
    _act(context, code, "phase_complete", on, by=by, because=because)


@measure.command("keep-unit")
def keep_unit(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """答复“不属本单位”：责任单位不变 · The unit that says it is not theirs keeps it."""
    _act(context, code, "keep_unit", on, by=by, because=because)


@measure.command("confirm")
def confirm(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """确认读出的时限 · Confirm a deadline that was read from doubtful wording."""
    _act(context, code, "confirm", on, by=by, because=because)


@measure.command("block")
def block(
    context: typer.Context,
    code: Code,
    by: By,
    because: Because,
    on: On = None,
    clear: Annotated[bool, typer.Option("--clear", help="解除受阻 · It is no longer blocked.")] = False,
) -> None:
    """登记什么阻碍了整改，写进信里 · What blocks it; letters say so."""
    _act(context, code, "unblock" if clear else "block", on, by=by, because=because)


@measure.command("mark")
def mark(
    context: typer.Context,
    code: Code,
    by: By,
    because: Because,
    on: On = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="T", help="加标签 · Put on a tag.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", metavar="T", help="去标签 · Take off.")] = None,
    standing: Annotated[
        bool | None, typer.Option("--standing/--not-standing", help="挂账、不再挂账 · On the books for long.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="CODE", help="上级措施，空为取消 · Its parent; empty: none.")
    ] = None,
) -> None:
    """标签、挂账、上级措施 · Tags, standing, parent."""
    from reminder.office.act import Marks

    marks = Marks(tags=tuple(tag or ()), untag=tuple(untag or ()), standing=standing, parent=parent)
    _act(context, code, "mark", on, by=by, because=because, marks=marks)


@measure.command("look-back")
def look_back(
    context: typer.Context,
    code: Code,
    result: Annotated[Result, typer.Option("--result", help="held 巩固；slipped 反弹 · What was found.")],
    by: By,
    because: Because,
    on: On = None,
    again: Annotated[bool, typer.Option("--reopen", help="反弹的重新打开 · Open again what slipped.")] = False,
) -> None:
    """登记回头看的结果 · Record what a look-back found after the write-off."""
    from reminder.errors import UsageError
    from reminder.words import say

    if again and result is not Result.SLIPPED:
        raise UsageError(say(open_app(context).configuration.locale, "office.look_back_reopen"))
    names = ("look_back", "reopen") if again else ("look_back",)
    _acts(context, code, names, on, by=by, because=because, result=result.value)


@measure.command("reopen")
def reopen(context: typer.Context, code: Code, by: By, because: Because, on: On = None) -> None:
    """重新打开 · Open again."""
    _act(context, code, "reopen", on, by=by, because=because)


def _act(context: typer.Context, code: str, name: str, on: date | None, **facts: Any) -> None:
    _acts(context, code, (name,), on, **facts)


def _acts(context: typer.Context, code: str, names: tuple[str, ...], on: date | None, **facts: Any) -> None:
    """Does these acts, all of them or none."""
    from reminder.app import now
    from reminder.office.act import Act, Office
    from reminder.office.acts import perform
    from reminder.store.engine import writing
    from reminder.words import say

    app = open_app(context)
    office = Office(now=now(), zone=app.configuration.zone, locale=app.configuration.locale)
    with writing(app.engine) as session:
        for name in names:
            perform(session, code, Act(name=cast(Any, name), on=on or office.today, **facts), office)
    act = say(office.locale, "office.comma").join(say(office.locale, f"office.act_{name}") for name in names)
    typer.echo(say(office.locale, "measures.done", code=code, act=act, on=on or office.today))
