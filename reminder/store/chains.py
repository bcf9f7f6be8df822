"""Chains of escalation as they stood when they began: kept once, read with their measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, select

from reminder.domain.frozen import FrozenChain, FrozenStep
from reminder.store.tables import FrozenChainRow


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


def chains_of(session: Session, where: ColumnElement[bool]) -> dict[int, tuple[FrozenChain, ...]]:
    """The chains that meet `where`, by measure id."""
    found: dict[int, list[FrozenChain]] = defaultdict(list)
    for row in session.exec(select(FrozenChainRow).where(where)):
        chain = FrozenChain(
            rule=row.rule,
            unit=row.unit,
            deadline=row.deadline,
            leader=row.leader,
            principal=row.principal,
            steps=tuple(_read(step) for step in row.steps),
        )
        found[row.measure_id].append(chain)
    return {measure_id: tuple(chains) for measure_id, chains in found.items()}


def _written(step: FrozenStep) -> dict[str, Any]:
    return asdict(step) | {"nominal": step.nominal.isoformat(), "on": step.on.isoformat()}


def _read(step: dict[str, Any]) -> FrozenStep:
    days = {name: date.fromisoformat(step[name]) for name in ("nominal", "on")}
    return FrozenStep(**(step | days | {"to": tuple(step["to"])}))
