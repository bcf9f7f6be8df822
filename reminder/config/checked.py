"""One table of a file made into a value; what is wrong with it becomes faults with their places."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reminder.config.positions import Loc
from reminder.config.sentences import sentence
from reminder.config.source import Source

Model = TypeVar("Model", bound=BaseModel)


def checked(source: Source, model: type[Model], table: object, loc: Loc) -> Model | None:
    """`table`, which stands at `loc`, as a `model`; None where it is faulty, and `source` then knows why."""
    try:
        return model.model_validate(table, by_alias=True, by_name=False)
    except ValidationError as refused:
        _report(source, model, table, loc, refused.errors(include_url=False))
        return None


def _report(source: Source, model: type[BaseModel], table: Any, loc: Loc, errors: list[ErrorDetails]) -> None:
    said = [(error, sentence(model, error, _keys(table, error["loc"][:-1]))) for error in errors]
    misspelt = {(error["loc"][:-1], words.meant) for error, words in said if words.word == "unknown_key"}
    told = set()
    for error, words in said:
        if error["type"] == "missing" and (error["loc"][:-1], error["loc"][-1]) in misspelt:
            continue  # told already: the key is there, but misspelt
        if error["type"] == "too_short" and any(_within(other["loc"], error["loc"]) for other in errors):
            continue  # a list is too short only because its items were refused
        at = loc + _typed(table, error["loc"])
        if error["type"] == "missing":
            at += error["loc"][-1:]
        if (at, words.word) not in told:
            told.add((at, words.word))
            source.tell(at, words)


def _within(loc: Loc, outer: Loc) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _keys(table: Any, loc: Loc) -> Collection[str]:
    """The keys beside the one an error names."""
    for part in _typed(table, loc):
        table = table[part]
    return table if isinstance(table, dict) else ()


def _typed(table: Any, loc: Loc) -> Loc:
    """Those parts of `loc` that stand in the file: pydantic also names the branches of a union and [key]."""
    parts: Loc = ()
    for part in loc:
        inside = isinstance(table, dict) and part in table
        if inside or (isinstance(table, list) and isinstance(part, int) and part < len(table)):
            parts += (part,)
            table = table[part]
    return parts
