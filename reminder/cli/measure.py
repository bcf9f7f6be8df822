"""`reminder measure …`: one measure with its history; what is done to it stands in `measure_acts`."""

from __future__ import annotations

from typing import Any

import typer

from reminder.cli.common import Json, open_app, print_json, print_table
from reminder.cli.measure_acts import Code, add_acts

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
    "unit",
)  # facts shown beside the reason


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
        *([say(locale, f"measures.standing_{event['standing']}")] if "standing" in event else []),
    ]
    return event["on"], act, status, event["by"], say(locale, "measures.semicolon").join(told)


def _plain(value: Any) -> Any:
    return "、".join(value) if isinstance(value, list) else value


add_acts(measure)
