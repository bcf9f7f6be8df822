"""Mutation score of the rules and the planner: python -m tests.rig.mutation [--sample N] [--seed S] [--module PART].

Each mutant is one small change of one expression of `reminder/rules/**` or `reminder/plan.py`, planted in a forked
process by an import hook; nothing on disk changes. It is hunted by the oracle, then by the tables of tests, then by
whole cycles. (No general tool: the oracle, the quickest hunter, is no test file, and pydantic's models refuse the
wrappers that such tools put around methods.) The sample is the same for the same seed. Survivors are listed with their
places; many change nothing that can be observed, such as a wider margin, and count as survivors all the same. Sentences
for people are left alone.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.machinery
import importlib.util
import os
import random
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGETS = sorted([*(ROOT / "reminder/rules").rglob("*.py"), ROOT / "reminder/plan.py"])
FIRST_WORLDS, MORE_WORLDS = range(0, 14), range(14, 90)
TABLES = ["tests/unit/rules", "tests/unit/test_plan.py", "tests/unit/config/test_configuration.py"]
CYCLES = ["tests/unit/config/test_config_schema.py", "tests/rig/test_machine.py::test_one_autumn"]
PATIENCE = 120  # seconds of computing; a mutant that never ends has been noticed

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNTOUCHED = {"description", "json_schema_extra"}  # keywords that nothing but people reads


@dataclass(frozen=True)
class Mutant:
    """The `nth` possible change of a file, where it stands and what it does."""

    path: Path
    nth: int
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.what}"


class _Changer(ast.NodeTransformer):
    """Counts every possible change of a module; makes the one that is `wanted`."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted, self.found = wanted, list[tuple[int, str]]()

    def _is_it(self, node: ast.AST, what: str) -> bool:
        self.found.append((getattr(node, "lineno", 0), what))
        return len(self.found) - 1 == self.wanted

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
        node.body = [
            self.visit(statement) for statement in node.body[1 if ast.get_docstring(node) else 0 :]
        ] or node.body
        return node  # decorators and annotations are left alone

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in UNTOUCHED else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node if ast.unparse(node.value) in ("Literal", "Annotated") else self.generic_visit(node)


def mutants(path: Path) -> Iterator[Mutant]:
    changer = _Changer()
    changer.visit(ast.parse(path.read_text(encoding="utf-8")))
    for nth, (line, what) in enumerate(changer.found):
        yield Mutant(path, nth, line, " ".join(what.split())[:150])


def changed(mutant: Mutant) -> ast.Module:
    tree = copy.deepcopy(ast.parse(mutant.path.read_text(encoding="utf-8")))
    return ast.fix_missing_locations(_Changer(mutant.nth).visit(tree))


class _Planted(importlib.machinery.SourceFileLoader):
    """Loads one module in its changed form, and is asked for it before anybody else."""

    def __init__(self, mutant: Mutant) -> None:
        name = ".".join(mutant.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        super().__init__(name, str(mutant.path))
        self.tree = changed(mutant)

    def get_code(self, fullname: str) -> object:
        return compile(self.tree, self.path, "exec")

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> object:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None


def hunted(mutant: Mutant | None) -> str:
    """Who notices `mutant`: the stage's name, or "" where nobody does. Runs in a process of its own."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 5))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os._exit(_hunt(mutant))
    _, status = os.waitpid(child, 0)
    return STAGES.get(os.waitstatus_to_exitcode(status), "never ends")


STAGES = {0: "", 1: "import", 2: "oracle", 3: "tables", 4: "more worlds", 5: "cycles"}


def _hunt(mutant: Mutant | None) -> int:
    import pytest  # noqa: PLC0415 - warm already, see `main`

    if mutant:
        sys.meta_path.insert(0, _Planted(mutant))  # type: ignore[arg-type]  # a finder by its one method
    try:
        from tests.rig import oracle_kinds, program, worlds  # noqa: PLC0415 - the program comes with it
    except BaseException:  # whatever a mutant can do
        return 1

    def differs(seeds: range) -> bool:
        made = (worlds.world(seed) for seed in seeds)
        try:
            return any(program.planned(w) != oracle_kinds.plan(w, w["first"], w["last"]) for w in made)
        except BaseException:  # the same
            return True

    def fail(paths: list[str]) -> bool:
        options = [
            "-x",
            "-q",
            "-o",
            "addopts=",
            "-o",
            "filterwarnings=ignore",
            "-m",
            "not long",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
        ]
        return pytest.main([*options, *paths]) != 0

    stages = ((2, lambda: differs(FIRST_WORLDS)), (3, lambda: fail(TABLES)), (4, lambda: differs(MORE_WORLDS)))
    return next((n for n, notices in (*stages, (5, lambda: fail(CYCLES))) if notices()), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=300, help="so many mutants; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", default="", help="only files with this in their path")
    options = parser.parse_args()
    os.chdir(ROOT)
    import alembic.command, hypothesis, jinja2, pydantic, pytest, sqlmodel, typer  # noqa: E401, F401, I001, PLC0415 - warm

    assert not any(name.partition(".")[0] == "reminder" for name in sys.modules)
    every = [mutant for path in TARGETS if options.module in str(path) for mutant in mutants(path)]
    chosen = every if not options.sample else random.Random(options.seed).sample(every, min(options.sample, len(every)))
    if noticed := hunted(None):
        raise SystemExit(f"the unchanged program fails: {noticed}")
    print(f"{len(chosen)} of {len(every)} mutants, seed {options.seed}", flush=True)
    by, lived = Counter[str](), 0
    for n, mutant in enumerate(chosen, 1):
        by[noticed := hunted(mutant)] += 1
        if not noticed:
            lived += 1
            print(f"survives {mutant}", flush=True)
        if n % 25 == 0:
            print(f"{n}: {100 * (n - lived) / n:.1f} % noticed", flush=True)
    noticed_by = ", ".join(f"{count} {name or 'nobody'}" for name, count in by.most_common())
    print(f"score {100 * (len(chosen) - lived) / len(chosen):.1f} % of {len(chosen)}: {noticed_by}")


if __name__ == "__main__":
    main()
