"""`reminder measures`: the ledger as the service has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from reminder.cli.common import Json, open_app, print_lines, print_table

if TYPE_CHECKING:
    from reminder.domain.measure import Measure


def measures(context: typer.Context, as_json: Json = False) -> None:
    """台账现状 · The ledger as the service has it."""
    from reminder.facts import measure_facts
    from reminder.store.engine import reading
    from reminder.store.measures import load_measures
    from reminder.words import say

    app = open_app(context)
    today, locale = app.today(), app.configuration.locale
    with reading(app.engine) as session:
        found = load_measures(session)
    if as_json:
        print_lines(measure_facts(measure, today) for measure in found)
        return
    columns = say(locale, "measures.columns").split("|")
    print_table(say(locale, "measures.title", count=len(found)), columns, _rows(found, today, locale))


def _rows(found: list[Measure], today: date, locale: str) -> Iterator[tuple[Any, ...]]:
    from reminder.words import say

    for measure in found:
        yield (
            measure.key,
            measure.text,
            "、".join(measure.units),
            measure.deadline.on or measure.deadline.text,
            say(locale, f"letters.status_{measure.status_on(today).value}"),
            "" if measure.percent is None else f"{measure.percent}%",
            say(locale, f"measures.{measure.colour(today)}") if measure.colour(today) else "",
        )
