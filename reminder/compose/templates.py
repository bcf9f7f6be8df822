"""The templates of a locale: built in, or file by file from the office's own folder; sandboxed and bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.loaders import FunctionLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reminder.errors import ReminderError
from reminder.resources import data_dir
from reminder.words import LOCALES

MOST_BYTES = 200_000
_PIECES = 200  # a letter comes in hundreds of pieces of some characters; its length is looked at after so many
WEBHOOK = "webhook"  # its folder holds bodies for all locales
_MARK = "{# ejected from %s -#}\n"
_FILTERS = (  # those left out can fill the memory or undo the escaping
    *("abs", "capitalize", "count", "default", "e", "escape", "first", "groupby", "int", "items", "join", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round"),
    *("select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
)
_GREEDY = {"center", "ljust", "rjust", "zfill", "expandtabs"}  # one call can fill the memory


class TemplateFault(ReminderError):
    """A template cannot be used, or (`warning`) should be looked at: mend the named file at the named line."""

    def __init__(self, file: str, line: int, text: str, *, warning: bool = False) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.file, self.line, self.text, self.warning = file, line, text, warning


class _Generator(CodeGenerator):
    """Writes `line.code` as a look-up in a dictionary, which all facts are; anything else goes the sandbox's way.

    A letter asks for hundreds of facts: it is composed in two thirds of the time.
    """

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        it = self.temporary_identifier()
        self.write(f"({it}[{node.attr!r}] if type({it} := ")
        self.visit(node.node, frame)
        self.write(f") is dict and {node.attr!r} in {it} else environment.getattr({it}, {node.attr!r}))")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without the operators and methods by which one short line can fill the memory.

    It does not bound the time that nested loops take: who may edit templates is trusted that far.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"the operator {operator} is not available in templates")

    def wrap_str_format(self, value: Any) -> Any:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format() is not available in templates")
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _GREEDY and super().is_safe_attribute(obj, attr, value)


class Templates:
    """The templates of one folder name (a locale, or `webhook`): a snapshot, read when it is made."""

    def __init__(self, own: Path | None, name: str) -> None:
        self._files = _files(data_dir("templates") / name)
        if own:
            self._files |= _files(own / name)
        self._sources = {file: path.read_bytes() for file, path in self._files.items()}
        self._plain, self._html = self._environment(escape=False), self._environment(escape=True)

    def _environment(self, *, escape: bool) -> _Sandbox:
        environment = _Sandbox(
            autoescape=escape,
            undefined=StrictUndefined,
            loader=FunctionLoader(self._load),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters = {name: environment.filters[name] for name in _FILTERS}
        environment.filters |= {"plural": _plural, "tojson": _tojson}
        environment.globals = {}
        return environment

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        if name not in self._sources:
            return None
        try:
            return self._sources[name].decode("utf-8-sig"), str(self._files[name]), lambda: True
        except UnicodeDecodeError as error:
            line = self._sources[name][: error.start].count(b"\n") + 1
            raise TemplateFault(str(self._files[name]), line, "not UTF-8: save the file as UTF-8") from error

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def path(self, name: str) -> str:
        """Where the template `name` lies; the bare name where there is none."""
        return str(self._files.get(name, name))

    def render(self, name: str, facts: Mapping[str, object]) -> str:
        """The template filled in. Any failure is a TemplateFault that names file and line."""
        environment = self._html if name.endswith(".html") else self._plain
        try:
            return _bounded(environment.get_template(name), facts)
        except TemplateFault:
            raise
        except Exception as error:  # whatever a template does wrong stops only the letters that need it
            raise TemplateFault(*self._place(error, name), _told(error)) from error

    def _place(self, error: Exception, name: str) -> tuple[str, int]:
        if isinstance(error, TemplateSyntaxError):
            return error.filename or self.path(error.name or name), error.lineno
        file, line, traceback = self.path(name), 1, error.__traceback__
        paths = {str(path) for path in self._files.values()}
        while traceback:
            if traceback.tb_frame.f_code.co_filename in paths:
                file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            traceback = traceback.tb_next
        return file, line


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.glob("*.*")) if path.suffix in (".txt", ".html", ".json")}


def _bounded(template: Template, facts: Mapping[str, object]) -> str:
    generated, parts, size = template.generate(facts), list[str](), 0
    while pieces := list(islice(generated, _PIECES)):
        part = "".join(pieces)
        size += len(part.encode("utf-8", "replace"))
        if size > MOST_BYTES:
            raise TemplateError(f"the result is longer than {MOST_BYTES // 1000} kB")
        parts.append(part)
    return "".join(parts)


def _told(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error}"
    return str(error) or type(error).__name__


def _plural(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _tojson(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@cache
def templates(own: Path | None, name: str) -> Templates:
    """The templates of `name`, read and compiled once, until `forget_templates`."""
    return Templates(own, name)


def forget_templates() -> None:
    """Reads all templates anew from now on; called after a changed folder has passed its check."""
    templates.cache_clear()


def templates_known(locales: Sequence[str] = LOCALES) -> tuple[str, ...]:
    """Every built-in template that an office can replace: `zh_CN/before.html`, `webhook/slack.json`."""
    folders = (*locales, WEBHOOK)
    return tuple(f"{name}/{file}" for name in folders for file in _files(data_dir("templates") / name))


def eject(name: str) -> str:
    """The text of the built-in template `name` for editing, marked so that `check` can tell when it is stale."""
    if name not in templates_known():
        raise TemplateFault(name, 1, "there is no such template")
    return _mark(name) + (data_dir("templates") / name).read_text(encoding="utf-8")


def stale(name: str, text: str) -> bool:
    """Whether `text` was ejected from another version of the built-in template `name`."""
    return text.startswith(_MARK.partition("%s")[0]) and not text.startswith(_mark(name))


def _mark(name: str) -> str:
    return _MARK % sha256((data_dir("templates") / name).read_bytes()).hexdigest()[:12]
