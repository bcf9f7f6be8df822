"""Jinja's sandbox as letters use it: without what fills a memory, and with the work of a letter halved."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from reminder.errors import TemplateFault

_ESCAPED = "&<>'\""  # what `escape` changes in a text
_GREEDY = {"center", "ljust", "rjust", "zfill", "expandtabs"}  # one call can fill the memory


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


class _InOnePiece(_Generator):
    """Gathers what a template writes in a list: piece by piece it would climb through the generators of all templates
    that include it."""

    def blockvisit(self, body: Iterable[nodes.Node], frame: Frame) -> None:
        root = frame.rootlevel
        if root:
            self.buffer(frame)
        super().blockvisit(body, frame)
        if root:
            self.writeline(f"yield concat({frame.buffer})")


class Environment(ImmutableSandboxedEnvironment):
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


class Joined(Environment):
    """The same for templates that have no faults: what one includes by its name stands in its place, and a letter is
    made of half as many pieces. A fault would be blamed on the template that includes."""

    code_generator_class = _InOnePiece

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        assert self.loader
        joined: nodes.Template = _Joining(self, self.loader).visit(super()._parse(source, name, filename))
        return joined


class _Joining(NodeTransformer):
    """Puts each template that is included by its name in its place, with variables of its own as it has there; and the
    words that one imports, unless there are macros among them, into variables that only it has."""

    def __init__(self, environment: Joined, loader: BaseLoader) -> None:
        self._environment, self._loader = environment, loader
        self._words: dict[tuple[str, str], str] = {}  # the name of an import and of a word in it → its variable

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        if not isinstance(node.template, nodes.Const):
            return node
        return nodes.Scope(self._body(node.template.value), lineno=node.lineno)

    def visit_Import(self, node: nodes.Import) -> nodes.Node | list[nodes.Node]:
        assert isinstance(node.template, nodes.Const)
        body = self._body(node.template.value)
        words = [
            one.target for one in body if isinstance(one, nodes.AssignBlock) and isinstance(one.target, nodes.Name)
        ]
        if len(words) < len(body):
            return node
        for word in words:
            self._words[node.target, word.name] = word.name = f"{node.target}_{word.name}"
        return body

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        self.generic_visit(node)
        said = self._words.get((node.node.name, node.attr)) if isinstance(node.node, nodes.Name) else None
        return nodes.Name(said, "load", lineno=node.lineno, environment=node.environment) if said else node

    def _body(self, name: str) -> list[nodes.Node]:
        source, filename, _ = self._loader.get_source(self._environment, name)
        return self._environment.parse(source, name, filename).body
