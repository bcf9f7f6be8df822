"""Forms: read within bounds, and believed only where they were shown by this service to the one who sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Path, Request
from starlette.datastructures import FormData

from reminder.gate.key import same, seal
from reminder.web.access import Refused
from reminder.web.hall import cookie_name, hall, visit_of

MOST_FIELDS = 6000  # a unit with some hundred measures
MOST_FILES = 40
LONGEST_FIELD = 64 * 2**10
CSRF = "csrf"
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]  # of a row, in an address: neither database has greater ones


def csrf_of(request: Request) -> str:
    """The token of forms shown in answer to this request: tied to the session, else to a signed link or a visit."""
    tied = request.path_params.get("token") or request.cookies.get(cookie_name(request, "session")) or visit_of(request)
    return seal(hall(request).key, CSRF, tied).hex()


async def form(request: Request) -> AsyncIterator[FormData]:
    """The form that was sent. Refused where it comes from elsewhere, or cannot be read within the bounds."""
    _same_site(request)
    sent = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD)
    try:
        token = sent.get(CSRF)
        if not isinstance(token, str) or not same(token, csrf_of(request)):
            raise Refused(403, "web.form_stale")
        yield sent
    finally:
        await sent.close()  # large files lie on the disk until then


def _same_site(request: Request) -> None:
    """Browsers say where a form stood. `Origin: null` is what our own Referrer-Policy makes of it, so it decides
    nothing; `Sec-Fetch-Site` does, where there is one (Fetch Metadata, W3C)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Refused(403, "web.form_foreign")
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc not in _own_hosts(request):
        raise Refused(403, "web.form_foreign")


def _own_hosts(request: Request) -> set[str]:
    return {request.headers.get("host", ""), hall(request).public_host} - {""}


def text(sent: FormData, name: str, most: int = 2000) -> str:
    """The field `name` as one trimmed text of at most `most` characters; "" where there is none.

    Raises:
        Refused: it is longer.
    """
    value = sent.get(name)
    if not isinstance(value, str):
        return ""
    value = value.replace("\r\n", "\n").replace("\0", "").strip()
    if len(value) > most:
        raise Refused(400, "web.too_long", most=most)
    return value


def number_of(request: Request) -> int:
    """The page that the address names; the first where it names none."""
    typed = request.query_params.get("page", "")
    return max(1, int(typed)) if typed.isdecimal() and len(typed) < 7 else 1


def day(sent: FormData, name: str) -> date | None:
    """The field `name` as a day; None where it is empty.

    Raises:
        Refused: it is no day.
    """
    value = text(sent, name, 10)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as fault:
        raise Refused(422, "web.unreadable") from fault
