"""Rendering one template: sandboxed, without the words that can fill a memory, and no longer than a letter may be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError
from jinja2.loaders import FunctionLoader

from reminder.errors import TemplateFault
from reminder.render.environments import Environment, Joined

MOST_BYTES = 200_000
_PIECES = 200  # a letter comes in hundreds of pieces of some characters; its length is looked at after so many
_MOST_TOLD = 300  # characters of what a template did wrong
_FILTERS = (  # those left out can fill the memory or undo the escaping
    *("abs", "capitalize", "count", "default", "e", "escape", "first", "groupby", "int", "items", "join", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round"),
    *("select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
)


class Sandbox:
    """Templates by their name: where each lies, as its faults name it, and what it says. `joined`: see `Joined`."""

    def __init__(self, paths: Mapping[str, str], sources: Mapping[str, bytes], *, joined: bool = False) -> None:
        self._paths, self._sources, self._joined = paths, sources, joined
        self._plain, self._html = self._environment(escape=False), self._environment(escape=True)

    def _environment(self, *, escape: bool) -> Environment:
        environment = (Joined if self._joined else Environment)(
            autoescape=escape,
            undefined=StrictUndefined,
            loader=FunctionLoader(self._load),
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,  # all of them, and as they were when this was made
            auto_reload=False,
        )
        environment.filters = {name: environment.filters[name] for name in _FILTERS}
        environment.filters |= {"plural": _plural, "tojson": _tojson}
        environment.globals = {}
        return environment

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        if name not in self._sources:
            return None
        try:
            return self._sources[name].decode("utf-8-sig"), self._paths[name], lambda: True
        except UnicodeDecodeError as error:
            line = self._sources[name][: error.start].count(b"\n") + 1
            raise TemplateFault(self._paths[name], line, "not UTF-8: save the file as UTF-8") from error

    def render(self, name: str, facts: Mapping[str, object]) -> str:
        """The template filled in. Any failure is a TemplateFault that names file and line."""
        environment = self._html if name.endswith(".html") else self._plain
        try:
            template = environment.get_template(name)
            return template.render(facts) if self._joined else _bounded(template, facts)
        except TemplateFault:
            raise
        except Exception as error:  # whatever a template does wrong stops only the letters that need it
            raise TemplateFault(*self._place(error, name), _told(error)) from error

    def _place(self, error: Exception, name: str) -> tuple[str, int]:
        if isinstance(error, TemplateSyntaxError):
            return error.filename or self._path(error.name or name), error.lineno
        file, line, traceback = self._path(name), 1, error.__traceback__
        paths = set(self._paths.values())
        while traceback:
            if traceback.tb_frame.f_code.co_filename in paths:
                file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            traceback = traceback.tb_next
        return file, line

    def _path(self, name: str) -> str:
        return self._paths.get(name, name)


def _bounded(template: Template, facts: Mapping[str, object]) -> str:
    generated, parts, size = template.generate(facts), list[str](), 0
    while pieces := list(islice(generated, _PIECES)):
        part = "".join(pieces)
        size += len(part.encode("utf-8", "replace"))
        if size > MOST_BYTES:
            text = f"the result is longer than {MOST_BYTES // 1000} kB: shorten the template"
            raise TemplateFault(*_writing(generated, str(template.filename)), text)
        parts.append(part)
    return "".join(parts)


def _writing(generated: Any, file: str) -> tuple[str, int]:
    """The file of the template that wrote last: an included one is a generator, which Jinja calls `gen`."""
    inner = getattr(generated, "gi_yieldfrom", None)
    while (frame := getattr(inner, "gi_frame", None)) is not None:
        file, inner = frame.f_code.co_filename, frame.f_locals.get("gen")
    return file, 1


def _told(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error}"
    if isinstance(error, MemoryError):
        return "it needs more memory than a letter may: shorten its loops and replacements"
    return str(error)[:_MOST_TOLD] or type(error).__name__


def _plural(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _tojson(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
