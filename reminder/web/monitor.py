"""For machines that watch: /healthz and /metrics. No names, no addresses, nothing of the ledger but counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Depends, Request, Response

from reminder.domain.measure import Status
from reminder.health import Health
from reminder.web.access import anyone
from reminder.web.hall import hall
from reminder.web.wellness import Wellness, verdict

router = APIRouter(dependencies=[Depends(anyone)])
TEXT = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text exposition format


@router.get("/healthz")
def healthz(request: Request) -> Response:
    """200 where nothing needs a person, else 503."""
    status, body = verdict(wellness(request).now())
    return Response(body, status, media_type="application/json")


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """The figures of `status`."""
    found = wellness(request).now()
    return Response("".join(_lines(found)), media_type=TEXT)


def wellness(request: Request) -> Wellness:
    """How the service is, looked at for everybody who asks."""
    state = request.app.state
    if not hasattr(state, "wellness"):
        here = hall(request)
        state.wellness = Wellness(here.current, here.now)
    found: Wellness = state.wellness
    return found


def _lines(found: Health | None) -> Iterator[str]:
    yield from _metric("healthy", "1 where nothing needs a person", [("", int(bool(found and not found.problems)))])
    if found is None:
        return
    problems = [(f'{{code="{one.code}"}}', 1) for one in found.problems]
    yield from _metric("problem", "what somebody has to see to", problems)
    yield from _metric("lag_seconds", "how long the longest waiting has been due", [("", found.lag.total_seconds())])
    if found.last_cycle_at:
        at = found.last_cycle_at.timestamp()
        yield from _metric("last_cycle_timestamp_seconds", "when the last cycle was", [("", at)])
    yield from _metric("messages", "by state", [(f'{{state="{state}"}}', n) for state, n in found.outbox.items()])
    counted = [(f'{{status="{status}"}}', found.measures.get(status, 0)) for status in Status]
    yield from _metric("measures", "by status", counted)
    if found.covered_to is not None:
        yield from _metric("calendar_covered_to_year", "the last year known", [("", found.covered_to)])


def _metric(name: str, help_: str, values: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP reminder_{name} {help_}\n# TYPE reminder_{name} gauge\n"
    for labels, value in values:
        yield f"reminder_{name}{labels} {value:g}\n" if abs(value) < 1e6 else f"reminder_{name}{labels} {value:.3f}\n"
