"""As much of JSON Schema as our own schemas use, to see that they accept what the loader accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def refusals(schema: Any, value: Any, root: Any, at: str = "$") -> Iterator[str]:
    """Where and why `schema` refuses `value`."""
    value = value.isoformat() if isinstance(value, date) else value
    if "$ref" in schema:
        yield from refusals(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root, at)
    branches = schema.get("anyOf", schema.get("oneOf", []))
    if branches and not any(not list(refusals(branch, value, root, at)) for branch in branches):
        yield f"{at}: none of the branches"
    if "type" in schema and not isinstance(value, _TYPES[schema["type"]]):
        yield f"{at}: not {schema['type']}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not one of {schema['enum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{at}: does not match"
    if isinstance(value, dict):
        yield from _of_table(schema, value, root, at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from refusals(schema["items"], item, root, f"{at}.{index}")


def _of_table(schema: Any, table: dict[str, Any], root: Any, at: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key in schema.get("required", []):
        if key not in table:
            yield f"{at}: lacks {key}"
    for key, value in table.items():
        if key in known:
            yield from refusals(known[key], value, root, f"{at}.{key}")
        elif others is False:
            yield f"{at}: does not know {key}"
        elif isinstance(others, dict):
            yield from refusals(others, value, root, f"{at}.{key}")
