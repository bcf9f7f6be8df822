"""The small changes of a source file that `mutation` plants: one expression at a time, as a tree; nothing on disk.

Left alone, because no answer depends on it: docstrings, annotations, the names of type variables, sentences (strings
with a space, and what only people read of a schema), and the flags by which a class or a cache is laid out.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARGETS = sorted([*(ROOT / "reminder/rules").rglob("*.py"), ROOT / "reminder/plan.py"])

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Keywords that no answer depends on: sentences for people, how a class is laid out, how much a cache holds.
UNTOUCHED = {"description", "json_schema_extra", "frozen", "slots", "kw_only", "defer_build", "maxsize"}


@dataclass(frozen=True)
class Mutant:
    """The `nth` possible change of a file, where it stands and what it does.

    `lines` are those of the statement that it changes; `at_import` where that runs when the module is imported.
    """

    path: Path
    nth: int
    line: int
    what: str
    lines: range
    at_import: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.what}"


class _Changer(ast.NodeTransformer):
    """Counts every possible change of a module; makes the one that is `wanted`."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted, self.found = wanted, list[tuple[int, str, range, bool]]()
        self.lines, self.depth = range(0), 0

    def _is_it(self, node: ast.AST, what: str) -> bool:
        self.found.append((getattr(node, "lineno", 0), what, self.lines, not self.depth))
        return len(self.found) - 1 == self.wanted

    def visit(self, node: ast.AST) -> Any:
        """Keeps in mind the statement that stands around, of a compound one its head."""
        if not isinstance(node, ast.stmt):
            return super().visit(node)
        before, body = self.lines, getattr(node, "body", None)
        last = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
        self.lines = range(node.lineno, max(last, node.lineno + 1))
        try:
            return super().visit(node)
        finally:
            self.lines = before

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.depth += 1
        try:
            return self.generic_visit(node)
        finally:
            self.depth -= 1

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        for n, operator in enumerate(node.ops):
            swapped = SWAPS[type(operator)]
            if self._is_it(node, f"{type(operator).__name__} → {swapped.__name__} in {ast.unparse(node)}"):
                node.ops[n] = swapped()  # type: ignore[call-overload]  # a comparison for a comparison
        return self.generic_visit(node)

    def _swap(self, node: ast.BinOp | ast.BoolOp | ast.AugAssign) -> ast.AST:
        swapped = SWAPS.get(type(node.op))
        if swapped and self._is_it(node, f"{type(node.op).__name__} → {swapped.__name__} in {ast.unparse(node)}"):
            node.op = swapped()  # type: ignore[assignment]  # an operator for one of its sort
        return self.generic_visit(node)

    visit_BinOp = visit_BoolOp = visit_AugAssign = _swap

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not | ast.USub) and self._is_it(node, f"without its sign: {ast.unparse(node)}"):
            return self.generic_visit(node.operand)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, bool) and self._is_it(node, f"{value} → {not value}"):
            return ast.Constant(not value)
        if type(value) is int and self._is_it(node, f"{value} → {value + 1}"):
            return ast.Constant(value + 1)
        if isinstance(value, str) and value and " " not in value and self._is_it(node, f"{value!r} → {value + 'X'!r}"):
            return ast.Constant(value + "X")
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in NAMES and self._is_it(node, f"{node.id} → {NAMES[node.id]}"):
            return ast.Name(NAMES[node.id], node.ctx)
        return node

    def _negate(self, node: ast.If | ast.IfExp | ast.While) -> ast.AST:
        if self._is_it(node, f"negated: if {ast.unparse(node.test)}"):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return node
        return self.generic_visit(node)

    visit_If = visit_IfExp = visit_While = _negate

    def visit_Return(self, node: ast.Return) -> ast.AST:
        empty = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        if not empty and self._is_it(node, f"returns None for {ast.unparse(node.value or node)}"):
            return ast.Return(ast.Constant(None))
        return self.generic_visit(node)

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        if node.value and self._is_it(node, f"keeps back: {ast.unparse(node)}"):
            return ast.Constant(None)
        return self.generic_visit(node)

    def _step(self, node: ast.Break | ast.Continue) -> ast.AST:
        swapped = SWAPS[type(node)]
        return swapped() if self._is_it(node, f"{type(node).__name__} → {swapped.__name__}") else node

    visit_Break = visit_Continue = _step

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        self.depth += 1
        first = 1 if ast.get_docstring(node) else 0
        node.body = [self.visit(statement) for statement in node.body[first:]] or node.body
        self.depth -= 1
        return node  # decorators and annotations are left alone

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in UNTOUCHED else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Literals are annotations, and so is what a subscript of Annotated holds."""
        return node if ast.unparse(node.value) in ("Literal", "Annotated") else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return node if ast.unparse(node.func) == "TypeVar" else self.generic_visit(node)


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of one file, in the order of its lines."""
    changer = _Changer()
    changer.visit(ast.parse(path.read_text(encoding="utf-8")))
    for nth, (line, what, lines, at_import) in enumerate(changer.found):
        yield Mutant(path, nth, line, " ".join(what.split())[:150], lines, at_import)


def changed(mutant: Mutant) -> ast.Module:
    """The file with this one change."""
    tree = copy.deepcopy(ast.parse(mutant.path.read_text(encoding="utf-8")))
    return ast.fix_missing_locations(_Changer(mutant.nth).visit(tree))
