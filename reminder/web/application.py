"""The application put together: routes, answers to failures, and the rule that every route says whom it lets in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from reminder.app import App, now
from reminder.web import (
    api,
    desk,
    feeds,
    files,
    ledger,
    measure,
    messages,
    monitor,
    pictures,
    records,
    rules,
    signin,
    unit_page,
    upload,
    weeks,
)
from reminder.web.access import needs
from reminder.web.faults import add_faults
from reminder.web.hall import Hall

_THREADS = 8  # requests answered at once; the database's pool has room for more
_DESK = (desk, ledger, measure, messages, weeks, records, pictures, rules, upload)
_ROUTERS = tuple(each.router for each in (api, feeds, *_DESK, unit_page, signin, monitor, files))


def application(current: Callable[[], App], clock: Callable[[], datetime] = now) -> FastAPI:
    """The application that serves what `current()` is configured to.

    Raises:
        TypeError: a route does not declare exactly one need.
        UsageError: the configured key cannot be read.
    """
    made = FastAPI(title="Deadline reminder", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_few_threads)
    made.state.hall = Hall(current, clock, current().key)
    for router in _ROUTERS:
        made.router.routes.extend(router.routes)  # as they are: what each needs must be seen
    add_faults(made)
    needs(made)
    return made


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield
