"""The ledger: found by aspect, problem, unit, leader, colour, tag or words, in pages."""

from __future__ import annotations

from dataclasses import asdict, fields
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from reminder.domain.measure import Status
from reminder.store.engine import reading
from reminder.store.listing import ORDERS, Page, Wanted, choices, listed
from reminder.web.access import viewer
from reminder.web.forms import number_of
from reminder.web.hall import Hall, hall
from reminder.web.pages import page

router = APIRouter(dependencies=[Depends(viewer)])
COLOURS = ("red", "yellow", "green", "none")
_LONGEST = 200  # of what somebody looks for
_CHOICES_SECONDS = 60.0


@router.get("/measures")
def measures(request: Request) -> Response:
    """One page of what was looked for."""
    here = hall(request)
    today = here.app.today(here.now())
    wanted, order, number = _asked(request)
    with reading(here.app.engine) as session:
        found = listed(session, wanted, today, order, number)
    offered = here.memory.kept("choices", None, _CHOICES_SECONDS, lambda: _choices(here))
    return page(
        request,
        "measures.html",
        found=found,
        wanted=wanted,
        order=order,
        orders=ORDERS,
        choices=offered.answer if offered else {each.name: [] for each in fields(Wanted)},
        colours=COLOURS,
        statuses=[status.value for status in Status],
        today=today,
        turn=_turned(wanted, order, found),
    )


def _choices(here: Hall) -> dict[str, list[str]]:
    with reading(here.app.engine) as session:
        return choices(session)


def _asked(request: Request) -> tuple[Wanted, str, int]:
    """What the address asks for. Nonsense asks for nothing: an address is never an error."""
    query = request.query_params
    wanted = Wanted(
        **{each.name: query.get(each.name, "").replace("\0", "").strip()[:_LONGEST] for each in fields(Wanted)}
    )
    if wanted.colour not in ("", *COLOURS):
        wanted = Wanted(**asdict(wanted) | {"colour": ""})
    order = query.get("order", "")
    return wanted, order if order in ORDERS else ORDERS[0], number_of(request)


def _turned(wanted: Wanted, order: str, found: Page) -> dict[str, str]:
    """The addresses of the page before and the page after, where there are any."""
    kept = {name: value for name, value in asdict(wanted).items() if value} | {"order": order}
    near = {"before": found.number - 1, "after": found.number + 1}
    return {
        name: "/measures?" + urlencode({**kept, "page": number})
        for name, number in near.items()
        if 1 <= number <= found.last
    }
