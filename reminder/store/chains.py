"""Chains of escalation as they stood when they began: kept once, read with their measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from reminder.domain.frozen import FrozenChain, FrozenStep
from reminder.store.listed import Listed, read
from reminder.store.tables import FrozenChainRow

_TABLE = FrozenChainRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
_CHAINS = Listed([column for column in _TABLE if column.name != "frozen_at"], _TABLE.measure_id)


def keep_chains(session: Session, begun: Iterable[tuple[int, FrozenChain]], now: datetime) -> None:
    """Keeps chains by the ids of their measures. One that is kept already stays as it is."""
    for measure_id, chain in begun:
        if session.get(FrozenChainRow, (measure_id, chain.rule, chain.unit, chain.deadline)) is None:
            row = FrozenChainRow(
                measure_id=measure_id,
                rule=chain.rule,
                unit=chain.unit,
                deadline=chain.deadline,
                leader=chain.leader,
                principal=chain.principal,
                steps=[_written(step) for step in chain.steps],
                frozen_at=now,
            )
            session.add(row)


def chains_of(session: Session, measures: Iterable[int]) -> dict[int, tuple[FrozenChain, ...]]:
    """The chains of the measures with these ids, by measure id."""
    rows = _CHAINS.rows(session, measures)
    if not rows:
        return {}
    found: dict[int, list[FrozenChain]] = defaultdict(list)
    told = read(_CHAINS.columns, rows, session.get_bind().dialect)
    for cells in zip(*told.values(), strict=True):
        chain = dict(zip(told, cells, strict=True))
        steps = tuple(_read(step) for step in chain.pop("steps"))
        found[chain.pop("measure_id")].append(FrozenChain(steps=steps, **chain))
    return {measure_id: tuple(chains) for measure_id, chains in found.items()}


def _written(step: FrozenStep) -> dict[str, Any]:
    return asdict(step) | {"nominal": step.nominal.isoformat(), "on": step.on.isoformat()}


def _read(step: dict[str, Any]) -> FrozenStep:
    days = {name: date.fromisoformat(step[name]) for name in ("nominal", "on")}
    return FrozenStep(**(step | days | {"to": tuple(step["to"])}))
