"""JSON schemas of the four files, for editors. `python -m reminder.config.schema` writes them into config/."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from reminder.channels import CHANNELS
from reminder.config.models import Settings
from reminder.config.people import LeaderKeys, UnitKeys
from reminder.resources import data_dir
from reminder.rules.kinds import KINDS

_DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that the common TOML editors understand
Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """Each file's schema by the schema's file name."""
    kinds = [channel.Keys for channel in CHANNELS.values()]
    return {
        "reminder.schema.json": _settings(),
        "rules.schema.json": _file({"rule": _list(_any_of(KINDS.values()))}),
        "units.schema.json": _file({"unit": _list(_any_of([UnitKeys])), "leader": _list(_any_of([LeaderKeys]))}),
        "channels.schema.json": _file({"channel": {"type": "object", "additionalProperties": _any_of(kinds)}}),
    }


def written(schema: Schema) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write(folder: Path) -> None:
    """Writes all schemas into `folder`, over those that are there."""
    for name, schema in schemas().items():
        (folder / name).write_text(written(schema), encoding="utf-8", newline="\n")


def _settings() -> Schema:
    schema = _of(Settings)
    return {"$schema": _DIALECT, **schema, "properties": {"$schema": {"type": "string"}, **schema["properties"]}}


def _file(properties: Schema) -> Schema:
    """The schema of a file with these top-level tables; the models' own definitions move to the top."""
    definitions: Schema = {}
    _lift(properties, definitions)
    return {
        "$schema": _DIALECT,
        "type": "object",
        "additionalProperties": False,
        "properties": {"$schema": {"type": "string"}, **properties},
        "$defs": definitions,
    }


def _lift(node: Any, definitions: Schema) -> None:
    if isinstance(node, dict):
        definitions.update(node.pop("$defs", {}))
        for child in node.values():
            _lift(child, definitions)
    elif isinstance(node, list):
        for child in node:
            _lift(child, definitions)


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _any_of(models: Iterable[type[BaseModel]]) -> Schema:
    branches = [_of(model) for model in models]
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _of(model: type[BaseModel]) -> Schema:
    schema = model.model_json_schema(by_alias=True)
    _bare(schema)
    return schema


def _bare(node: Any) -> None:
    """Takes away the titles pydantic makes of the names of keys: they repeat them in English."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _bare(child)
    elif isinstance(node, list):
        for child in node:
            _bare(child)


if __name__ == "__main__":
    write(data_dir("config"))
