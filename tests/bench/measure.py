"""How benchmarks measure: sides interleaved round by round, the median of each; requirements in either direction."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 5
Bound = dict[str, float]
Figures = tuple[dict[str, float], dict[str, Bound]]


def at_most(limit: float) -> Bound:
    """The figure may not be higher."""
    return {"at_most": limit}


def at_least(limit: float) -> Bound:
    """The figure may not be lower."""
    return {"at_least": limit}


def holds(figure: float, bound: Bound) -> bool:
    """Whether a figure keeps what is required of it."""
    return bound.get("at_least", float("-inf")) <= figure <= bound.get("at_most", float("inf"))


def told(name: str, figure: float, bound: Bound | None) -> str:
    """One figure as a line for people."""
    said = "".join(f"  ({word.replace('_', ' ')} {limit:g})" for word, limit in (bound or {}).items())
    return f"{name:48} {figure:14.4f}{said}{'' if bound is None or holds(figure, bound) else '  MISSED'}"


def interleaved(sides: Mapping[str, Callable[[], float | None]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each side. A side that returns a number has measured itself; the others are timed.

    Every round runs all sides, in turns from a different one on, so that no side always runs on a warm or a tired
    machine.
    """
    measured: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            measured[name].append(seconds(sides[name]))
    return {name: statistics.median(values) for name, values in measured.items()}


def seconds(side: Callable[[], float | None]) -> float:
    """How long `side` takes, or what it says itself."""
    gc.collect()
    begun = time.perf_counter()
    said = side()
    passed = time.perf_counter() - begun
    return passed if said is None else said
