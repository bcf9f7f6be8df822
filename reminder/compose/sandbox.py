"""Rendering one template: sandboxed, without the words that can fill a memory, and no longer than a letter may be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.loaders import BaseLoader, FunctionLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from reminder.errors import ReminderError

MOST_BYTES = 200_000
_PIECES = 200  # a letter comes in hundreds of pieces of some characters; its length is looked at after so many
_MOST_TOLD = 300  # characters of what a template did wrong
_FILTERS = (  # those left out can fill the memory or undo the escaping
    *("abs", "capitalize", "count", "default", "e", "escape", "first", "groupby", "int", "items", "join", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round"),
    *("select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
)
_ESCAPED = "&<>'\""  # what `escape` changes in a text
_GREEDY = {"center", "ljust", "rjust", "zfill", "expandtabs"}  # one call can fill the memory


class TemplateFault(ReminderError):
    """A template cannot be used, or (`warning`) should be looked at: mend the named file at the named line."""

    def __init__(self, file: str, line: int, text: str, *, warning: bool = False) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.file, self.line, self.text, self.warning = file, line, text, warning


class _Generator(CodeGenerator):
    """Writes `line.code` as a look-up in a dictionary, which all facts are, and does not call `escape` for text that
    has nothing to escape or is escaped already; anything else goes the sandbox's way.

    A letter asks for hundreds of facts: it is composed in half the time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: list[str] = []  # the names of the values that are being written, the innermost last

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile:
            super()._output_child_pre(node, frame, finalize)
            return
        self._told.append(self.temporary_identifier())
        self.write(f"({self._told[-1]} if type({self._told[-1]} := ")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile:
            super()._output_child_post(node, frame, finalize)
            return
        told = self._told.pop()
        if not frame.eval_ctx.autoescape:
            self.write(f") is str else str({told}))")
            return
        harmless = "".join(f" and {char!r} not in {told}" for char in _ESCAPED)
        self.write(f") is str{harmless} else {told} if type({told}) is Markup else escape({told}))")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        it = self.temporary_identifier()
        self.write(f"({it}[{node.attr!r}] if type({it} := ")
        self.visit(node.node, frame)
        self.write(f") is dict and {node.attr!r} in {it} else environment.getattr({it}, {node.attr!r}))")


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without the operators and methods by which one short line can fill the memory.

    What loops and replacements may cost is bounded by the process in which an office's own templates are rendered.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**", "%"})

    def compile(self, source: Any, name: Any = None, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Blames the very file for what its compiler cannot take, and not the one that includes it."""
        try:
            return super().compile(source, name, filename, *args, **kwargs)
        except TemplateSyntaxError:
            raise
        except Exception as error:
            raise TemplateFault(str(filename), 1, f"too deeply nested ({type(error).__name__}): shorten it") from error

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return d or {}  # templates have none; Jinja's chain of two empty dictionaries is walked for each include

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is TemplateModule and not attribute.startswith("_") and attribute in obj.__dict__:
            return obj.__dict__[attribute]  # what an imported template has set is for all to see
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"the operator {operator} is not available in templates")

    def wrap_str_format(self, value: Any) -> Any:
        if super().wrap_str_format(value) is not None:
            raise SecurityError("format() is not available in templates")
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _GREEDY and super().is_safe_attribute(obj, attr, value)


class _Joined(_Environment):
    """The same for templates that have no faults: what one includes by its name stands in its place, and a letter is
    made of half as many pieces. A fault would be blamed on the template that includes."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        assert self.loader
        joined: nodes.Template = _Joining(self, self.loader).visit(super()._parse(source, name, filename))
        return joined


class _Joining(NodeTransformer):
    """Puts each template that is included by its name in its place, with variables of its own as it has there."""

    def __init__(self, environment: _Joined, loader: BaseLoader) -> None:
        self._environment, self._loader = environment, loader

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        if not isinstance(node.template, nodes.Const):
            return node
        name = node.template.value
        source, filename, _ = self._loader.get_source(self._environment, name)
        return nodes.Scope(self._environment.parse(source, name, filename).body, lineno=node.lineno)


class Sandbox:
    """Templates by their name: where each lies, as its faults name it, and what it says. `joined`: see `_Joined`."""

    def __init__(self, paths: Mapping[str, str], sources: Mapping[str, bytes], *, joined: bool = False) -> None:
        self._paths, self._sources, self._joined = paths, sources, joined
        self._plain, self._html = self._environment(escape=False), self._environment(escape=True)

    def _environment(self, *, escape: bool) -> _Environment:
        environment = (_Joined if self._joined else _Environment)(
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
            return _bounded(environment.get_template(name), facts)
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
