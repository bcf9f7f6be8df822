"""The office's desk: the morning's questions on one page."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from reminder.web.access import viewer
from reminder.web.pages import page

router = APIRouter(dependencies=[Depends(viewer)])


@router.get("/")
def desk(request: Request) -> Response:
    """The first page after signing in."""
    return page(request, "desk.html")
