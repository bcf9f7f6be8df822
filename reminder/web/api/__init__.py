"""/api/v1 for programs: what the commands' --json tell, and progress and reports recorded. Described by OpenAPI."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.openapi.utils import get_openapi

from reminder.web.access import anyone
from reminder.web.api import looking, recording

BASE = "/api/v1"
router = APIRouter()
router.routes.extend([*looking.router.routes, *recording.router.routes])


@router.get(f"{BASE}/openapi.json", dependencies=[Depends(anyone)], include_in_schema=False)
def description() -> dict[str, Any]:
    """The API described; holds nothing of the office."""
    return _described()


@cache
def _described() -> dict[str, Any]:
    told = get_openapi(
        title="Deadline reminder",
        version="1",
        description="Send `Authorization: Bearer TOKEN`; `reminder token add` makes one.",
        routes=[*looking.router.routes, *recording.router.routes],
    )
    told.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    told["security"] = [{"token": []}]
    return told
