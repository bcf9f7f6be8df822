"""What the commands share: opening the application, parsing days and instants, printing facts and tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from reminder.app import App

Json = Annotated[bool, typer.Option("--json", help="机器可读 · Machine-readable facts, UTF-8.")]


def parse_day(text: str) -> date:
    """A day on the command line: YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise typer.BadParameter(f"应为 YYYY-MM-DD 的日期 · expected a day such as 2026-11-22, got {text!r}") from fault


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """An instant on the command line: ISO 8601; without an offset it is the office's local time."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as fault:
        raise typer.BadParameter(
            f"应为 ISO 8601 时刻 · expected an instant such as 2026-11-22T09:00, got {text!r}"
        ) from fault
    return instant if instant.tzinfo else instant.replace(tzinfo=zone)


def say(locale: str, key: str, **facts: object) -> str:
    """A sentence of the words, which are not read before something is said."""
    from reminder import words

    return words.say(locale, key, **facts)


def open_app(context: typer.Context, *, create: bool = False) -> App:
    """The application of `--config`."""
    from reminder import app

    opened = app.open_app(folder(context), create=create)
    context.call_on_close(opened.engine.dispose)
    return opened


def folder(context: typer.Context) -> Path:
    """The folder given by `--config`."""
    chosen: Path = context.obj
    return chosen


def print_json(facts: object) -> None:
    """One JSON object on one line of stdout."""
    sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")


def print_lines(facts: Iterable[object]) -> None:
    """JSON Lines on stdout."""
    for fact in facts:
        print_json(fact)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)


def console() -> Any:
    """A rich console on stdout: no colours where it is not a terminal, and wide enough for tables in a file."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)
