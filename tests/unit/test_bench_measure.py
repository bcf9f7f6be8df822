"""The benchmarks' own arithmetic: a requirement that is missed must be seen."""

import pytest

from tests.bench.measure import at_least, at_most, holds, interleaved, told


@pytest.mark.parametrize(
    ("figure", "bound", "kept"),
    [
        (1.6, at_most(1.6), True),
        (1.61, at_most(1.6), False),
        (0.5, at_least(0.5), True),
        (0.49, at_least(0.5), False),
        (float("nan"), at_most(1.0), False),
    ],
)
def test_a_requirement_holds_in_its_own_direction(figure, bound, kept):
    assert holds(figure, bound) is kept
    assert ("MISSED" in told("x", figure, bound)) is not kept


def test_each_side_runs_in_every_round_and_the_median_counts():
    said = {"one": iter([1.0, 9.0, 2.0, 3.0, 100.0]), "two": iter([5.0, 5.0, 5.0, 5.0, 5.0])}
    order: list[str] = []

    def side(name):
        return lambda: (order.append(name), next(said[name]))[1]

    assert interleaved({name: side(name) for name in said}) == {"one": 3.0, "two": 5.0}
    assert order[:4] == ["one", "two", "two", "one"]
