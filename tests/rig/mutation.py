"""Mutation score of the rules and the planner: python -m tests.rig.mutation [--sample N] [--seed S] [--module PART].

Each mutant (see `changes`) is planted in a forked process and hunted by the tests, and by worlds of the oracle, that
run through the changed statement: first those that are quick and have caught many. Where a function is changed its code
is put in the place of the old, so that nothing has to be imported again; what runs at import is imported anew. (No
general tool: they know no oracle, and pydantic's models refuse the wrappers that they put around methods.) The sample
is the same for the same seed. Survivors are listed with their places; some change nothing that can be observed, and
count as survivors all the same. Judged so: a wider margin (`_AHEAD` in `pace`, the reach of `asks`, one year more in
`Calendar.certain_through`, which has no day in the span); what stands in for a value that is always there
(`counted_down or date.max` where only what is counted down comes); a beat that looks for what it then drops.
"""

from __future__ import annotations

import argparse
import gc
import importlib.machinery
import importlib.util
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.rig import worlds
from tests.rig.changes import ROOT, TARGETS, Mutant, changed, mutants
from tests.rig.hunters import (
    CAUGHT,
    FILES,
    QUICK,
    SLOW,
    Hunt,
    Hunter,
    after,
    arguments,
    hunters,
    in_a_child,
    run,
)

FEW = 40  # tests that hunt first what runs at import

# --- planting


class Planted(importlib.machinery.SourceFileLoader):
    """Loads one module in its changed form, and is asked for it before anybody else."""

    def __init__(self, mutant: Mutant) -> None:
        name = ".".join(mutant.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        super().__init__(name, str(mutant.path))
        self.tree = changed(mutant)

    def get_code(self, fullname: str) -> CodeType:
        """The changed module."""
        return compile(self.tree, self.path, "exec")

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> object:
        """Only for its own module."""
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def plant(mutant: Mutant, functions: dict[tuple[str, str, int], list[FunctionType]]) -> bool:
    """Puts the changed code into the functions that are loaded; whether there is any."""
    changes = 0
    for code in _codes(compile(changed(mutant), str(mutant.path), "exec")):
        for function in functions.get((str(mutant.path), code.co_qualname, code.co_firstlineno), ()):
            if function.__code__ != code:
                function.__code__ = code
                changes += 1
    return changes > 0


def loaded() -> dict[tuple[str, str, int], list[FunctionType]]:
    """The functions of the files that are changed, by where they stand."""
    found: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    gc.unfreeze()  # what another rig of this process has frozen is not among the objects
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename in FILES:
            code = one.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(one)
    return found


def caches() -> list[Any]:
    """What remembers earlier answers of the files that are changed."""
    found = [one for one in gc.get_objects() if type(one).__name__ == "_lru_cache_wrapper"]
    return [one for one in found if one.__wrapped__.__code__.co_filename in FILES]


# --- hunting


def hunt(work: Callable[[Sequence[str], Hunt], int], hounds: Sequence[Hunter], scratch: Path) -> str:
    """Who noticed, "" where nobody did. `work` plants the mutant and runs the named tests in the child."""

    def inside(say: Callable[[object], None]) -> int:
        signal.signal(signal.SIGPROF, lambda *_: os._exit(CAUGHT))
        limits = {one.node: one.seconds for one in hounds}
        return work([one.node for one in hounds], Hunt(list, limits, say, lambda node: os._exit(CAUGHT)))

    code, said = in_a_child(inside, scratch)
    if not code:
        return ""
    by_name = {one.node: one for one in hounds}
    for node in said:
        if node in by_name:
            by_name[node].tried += 1
    if not said:
        return "import"
    if said[-1] in by_name:
        by_name[said[-1]].caught += 1
    return str(said[-1]).partition("::")[0] or "the end"


def anew(mutant: Mutant, every: dict[str, Hunter], scratch: Path) -> str:
    """Hunts a mutant that runs at import: by some tests first, so that little is collected, then by the others."""
    near = after(mutant, every)
    for hounds in (near[:FEW], near[FEW:]):
        paths = list(dict.fromkeys(one.node.partition("::")[0] for one in hounds))

        def work(chosen: Sequence[str], session: Hunt, paths: Sequence[str] = paths) -> int:
            sys.meta_path.insert(0, Planted(mutant))  # type: ignore[arg-type]  # a finder by its one method
            session.choose = lambda: chosen
            return int(pytest.main(arguments(scratch, paths), plugins=[session]))

        if hounds and (noticed := hunt(work, hounds, scratch)):
            return noticed
    return ""


class InPlace:
    """Hunts the mutants of functions, one after the other, in a session that has imported everything."""

    def __init__(self, chosen: Sequence[Mutant], every: dict[str, Hunter], scratch: Path, score: Score) -> None:
        self.chosen, self.every, self.scratch, self.score = chosen, every, scratch, score
        self.say: Callable[[object], None] = print

    def live(self) -> None:
        """Forks the session, and takes in what it finds."""

        def work(say: Callable[[object], None]) -> int:
            self.say = say
            return int(pytest.main(arguments(self.scratch, QUICK + SLOW), plugins=[self]))

        in_a_child(work, self.scratch, lambda found: self.score.add(*found))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        functions, remembered = loaded(), caches()
        gc.collect()
        gc.freeze()
        for mutant in self.chosen:

            def work(chosen: Sequence[str], hunting: Hunt, mutant: Mutant = mutant) -> int:
                for one in remembered:
                    one.cache_clear()
                if not plant(mutant, functions):
                    return 0
                session.config.pluginmanager.register(hunting)
                run(session, chosen, hunting)
                return 0

            self.say((mutant, hunt(work, after(mutant, self.every), self.scratch)))
        return True


# --- the score


@dataclass
class Score:
    """What became of the mutants so far."""

    asked: int
    began: float = field(default_factory=time.process_time)
    by: Counter[str] = field(default_factory=Counter)
    lived: list[Mutant] = field(default_factory=list)

    def add(self, mutant: Mutant, noticed: str) -> None:
        """One more."""
        self.by[noticed or "nobody"] += 1
        if not noticed:
            self.lived.append(mutant)
            print(f"survives {mutant}", flush=True)
        if self.by.total() % 50 == 0:
            print(f"{self.by.total()} of {self.asked}: {self}", flush=True)

    def __str__(self) -> str:
        n = self.by.total()
        part = 1 - len(self.lived) / n
        # Wilson's interval at 95 %
        middle, half = part + 1.92 / n, 1.96 * sqrt(part * (1 - part) / n + 0.9604 / n**2)
        low, high = ((middle + sign * half) / (1 + 3.8416 / n) for sign in (-1, 1))
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        minutes = sum(one.ru_utime + one.ru_stime for one in used) / 60
        return f"{100 * part:.1f} % noticed (95 %: {100 * low:.1f} to {100 * high:.1f}), {minutes:.0f} minutes computed"


def main() -> None:
    """Prints the survivors and the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=0, help="so many mutants; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", default="", help="only files with this in their path")
    options = parser.parse_args()
    os.chdir(ROOT)
    import alembic.command, hypothesis, jinja2, pydantic, sqlmodel, typer  # noqa: E401, F401, I001, PLC0415 - warm

    assert not any(name.partition(".")[0] == "reminder" for name in sys.modules)
    every = [mutant for path in TARGETS if options.module in str(path) for mutant in mutants(path)]
    chosen = every if not options.sample else random.Random(options.seed).sample(every, min(options.sample, len(every)))
    for seed in range(worlds.HUNTING):
        worlds.expected(seed)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        scratch = Path(folder)
        tempfile.tempdir = folder
        hounds = hunters(scratch)
        print(f"{len(chosen)} of {len(every)} mutants, seed {options.seed}, {len(hounds)} tests", flush=True)
        score = Score(len(chosen))
        # In a process of its own, so that what runs at import still finds nothing imported.
        in_functions = InPlace([one for one in chosen if not one.at_import], hounds, scratch, score)
        in_functions.live()
        for mutant in (one for one in chosen if one.at_import):
            score.add(mutant, anew(mutant, hounds, scratch))
        print(f"of {len(chosen)} {score}; by " + ", ".join(f"{name} {n}" for name, n in score.by.most_common()))


if __name__ == "__main__":
    main()
