"""What the office does to one measure on the command line; each act is a dated event of its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from reminder.cli.common import Json, open_app, parse_day, print_json

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.domain.measure import Measure
    from reminder.rules.unheard import Unheard

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


# Acts that take nothing but who, why and when: the command, the act, and what `--help` says.
_PLAIN = (
    ("claim", "claim", "单位申请销号 · The unit says it is done."),
    ("return", "return", "退回销号申请 · Not accepted; chased again."),
    ("resume", "resume", "恢复 · Chased again after a suspension."),
    ("decline", "decline", "不予采纳 · Another body refused; never counted as done."),
    ("refuse-extension", "refuse_extension", "不同意延期 · The extension asked for is not allowed."),
    ("phase-complete", "phase_complete", "登记阶段性完成，仍挂账催办 · Complete for now; it is still chased."),
    ("keep-unit", "keep_unit", "答复“不属本单位”：责任单位不变 · The unit that says it is not theirs keeps it."),
    ("confirm", "confirm", "确认读出的时限 · Confirm a deadline that was read from doubtful wording."),
    ("reopen", "reopen", "重新打开 · Open again."),
)


_CHASED_AGAIN = frozenset({"return", "resume", "reopen"})


def add_acts(measure: typer.Typer) -> None:
    """Adds a command for each act."""
    measure.command("progress")(progress)
    for command, name, help_ in _PLAIN:
        measure.command(command, help=help_)(_plain(name))
    measure.command("write-off")(write_off)
    measure.command("suspend")(suspend)
    measure.command("extend")(extend)
    measure.command("ask-extension")(ask_extension)
    measure.command("block")(block)
    measure.command("mark")(mark)
    measure.command("look-back")(look_back)
    measure.command("hand-over")(hand_over)


def _plain(name: str) -> Callable[..., None]:
    def act(context: typer.Context, code: Code, by: By, because: Because, on: On = None, as_json: Json = False) -> None:
        _acts(context, code, (name,), on, as_json=as_json, by=by, because=because)

    return act


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


def ask_extension(context: typer.Context, code: Code, to: To, by: By, because: Because, on: On = None) -> None:
    """单位申请延期 · A unit asks for an extension."""
    _act(context, code, "ask_extension", on, by=by, because=because, to=to)


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


def hand_over(
    context: typer.Context,
    code: Code,
    to: Annotated[str, typer.Option("--to", metavar="UNIT", help="转给哪个单位 · To which unit.")],
    by: By,
    because: Because,
    on: On = None,
    instead_of: Annotated[
        str, typer.Option("--from", metavar="UNIT", help="代替哪个责任单位（有几个时）· Instead of which, of several.")
    ] = "",
) -> None:
    """转给其他单位，以后催新的单位 · Handed over to another unit, which is reminded from now on."""
    from reminder.office.reports import canonical_unit

    configuration = open_app(context).configuration
    names = configuration.directory.unit_names()
    unit = canonical_unit(to, names, configuration.locale)
    old = names.get(instead_of.strip(), instead_of)
    _act(context, code, "hand_over", on, by=by, because=because, text=unit, instead_of=old)


def _act(context: typer.Context, code: str, name: str, on: date | None, **facts: Any) -> None:
    _acts(context, code, (name,), on, **facts)


def _acts(
    context: typer.Context, code: str, names: tuple[str, ...], on: date | None, *, as_json: bool = False, **facts: Any
) -> None:
    """Does these acts, all of them or none; says which steps of an escalation passed before it is chased again."""
    from reminder.app import now
    from reminder.explain.sentences import step_passed
    from reminder.office.act import Act, Office
    from reminder.office.acts import perform
    from reminder.office.find import find
    from reminder.store.engine import writing
    from reminder.store.measures import by_ids
    from reminder.words import say

    app = open_app(context)
    office = Office(now=now(), zone=app.configuration.zone, locale=app.configuration.locale)
    with writing(app.engine) as session:
        before = by_ids(session, [find(session, code, office.locale).id or 0]) if _CHASED_AGAIN & {*names} else {}
        for name in names:
            perform(session, code, Act(name=cast(Any, name), on=on or office.today, **facts), office)
    passed = [step for measure in before.values() for step in _passed(app, measure, office.now)]
    if as_json:
        print_json(
            {"code": code, "acts": names, "on": on or office.today, "passed_steps": [asdict(one) for one in passed]}
        )
        return
    act = say(office.locale, "office.comma").join(say(office.locale, f"office.act_{name}") for name in names)
    typer.echo(say(office.locale, "measures.done", code=code, act=act, on=on or office.today))
    for step in passed:
        typer.echo(step_passed(office.locale, step))


def _passed(app: App, measure: Measure, now: datetime) -> Iterator[Unheard]:
    """The steps of escalation that passed while `measure` was as it stands here, and will not be made good."""
    from reminder.rules.unheard import unheard

    configuration = app.configuration
    return unheard(configuration.rules, measure, now, configuration.directory, configuration.practice)
