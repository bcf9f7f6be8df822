"""Who may come in where. Every route declares exactly one need, or the application does not start.

A need is a dependency: it looks the person up with the role in the query, and refuses before the page is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from reminder.gate.accounts import vouched_for
from reminder.gate.links import Link, follow
from reminder.gate.role import Person, Role
from reminder.gate.sessions import signed_in
from reminder.gate.tokens import bearer
from reminder.store.engine import reading
from reminder.web.hall import cookie_name, hall
from reminder.web.headers import HEAD_ONLY


class Refused(Exception):
    """The request is refused; the page for it is told in the reader's language.

    `status` 401 means nobody is signed in: pages then lead to the sign-in. `sentence` is a key of the words.
    """

    def __init__(self, status: int, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.facts = status, sentence, facts


class Need:
    """What a route asks of its visitor; `name` is what the role × route matrix calls it."""

    name: str


class Anyone(Need):
    """No sign-in: the page shows nothing of the office."""

    name = "anyone"

    def __call__(self) -> None:
        """Lets everybody in."""


class Signed(Need):
    """Somebody of the office with at least this role: by session, or vouched for by a trusted proxy."""

    def __init__(self, role: Role) -> None:
        self.role, self.name = role, role.value

    def __call__(self, request: Request) -> Person:
        """The person. Refused with 401 where nobody is signed in, with 403 where the role does not suffice."""
        person = person_of(request, self.role)
        if person is not None:
            request.state.person = person
            return person
        somebody = person_of(request, Role.VIEWER)
        if somebody is None:
            raise Refused(401, "web.sign_in_first")
        request.state.person = somebody
        raise Refused(403, "web.role_needed", role=self.role.value)


class Bearer(Need):
    """A program with a token of at least this role."""

    def __init__(self, role: Role) -> None:
        self.role, self.name = role, f"token:{role.value}"

    def __call__(self, request: Request) -> Person:
        """The program. Refused with 401 without a good token, with 403 where its role does not suffice."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "web.token_needed")
        here = hall(request)
        with reading(here.app.engine) as session:
            person = bearer(session, token.strip(), self.role)
            known = person or bearer(session, token.strip(), Role.VIEWER)
        if known is None:
            raise Refused(401, "web.token_needed")
        if person is None:
            raise Refused(403, "web.role_needed", role=self.role.value)
        return person


class Linked(Need):
    """Whoever has the link of a message; `reports` where only a unit's own may."""

    def __init__(self, *, reports: bool) -> None:
        self.reports, self.name = reports, "link:report" if reports else "link"

    def __call__(self, request: Request, token: str) -> Link:
        """What the link opens. Refused alike, whatever is wrong with it: nobody learns which links there are."""
        here = hall(request)
        with reading(here.app.engine) as session:
            link = follow(session, here.key, token, here.now(), here.app.configuration.zone)
        if link is None or (self.reports and not link.unit):
            raise Refused(403, "web.link_gone")
        opened = request.method == "GET" and HEAD_ONLY not in request.scope
        if opened and (seconds := here.visits.wait(link.number)):
            raise Refused(429, "web.link_too_often", seconds=seconds)
        return link


anyone = Anyone()
by_link, by_unit_link = Linked(reports=False), Linked(reports=True)
viewer, officer, administrator = (Signed(role) for role in Role)
reads, writes = Bearer(Role.VIEWER), Bearer(Role.OFFICER)


def person_of(request: Request, role: Role) -> Person | None:
    """Who is signed in with at least `role`."""
    here = hall(request)
    with reading(here.app.engine) as session:
        if name := vouched_name(request):
            return vouched_for(session, name, role)
        cookie = request.cookies.get(cookie_name(request, "session"))
        if not cookie or here.door.closed(cookie):
            return None
        return signed_in(session, cookie, role, here.now()) or here.door.person(session, cookie, role, here.now())


def vouched_name(request: Request) -> str:
    """The user whom the reverse proxy names; "" where the header is not configured or comes from elsewhere."""
    web = hall(request).web
    if web.user_header is None or not from_proxy(request):
        return ""
    raw = request.headers.get(web.user_header, "")
    return raw.encode("latin-1").decode("utf-8", "replace")  # headers are bytes; names are Chinese


def from_proxy(request: Request) -> bool:
    """Whether the request comes from one of the configured proxies itself."""
    try:
        peer = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(peer in ip_network(proxy) for proxy in hall(request).web.proxies)


def address_of(request: Request) -> str:
    """Where the visitor sits; behind a trusted proxy as that proxy says: the last entry is the one it added."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "")
    return forwarded.rpartition(",")[2].strip()[:60] if forwarded and from_proxy(request) else peer


def needs(app: FastAPI) -> dict[tuple[str, str], Need]:
    """By method and path of every route what it needs.

    Raises:
        TypeError: a route declares none or several, or is of a kind that cannot declare any.
    """
    found: dict[tuple[str, str], Need] = {}
    for route in app.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route} cannot declare who may come in")
        declared = {id(need): need for need in _needs_in(route.dependant)}
        if len(declared) != 1:
            raise TypeError(f"{route.path} declares {len(declared)} needs, expected one")
        for method in route.methods or ():
            found[method, route.path] = next(iter(declared.values()))
    return found


def _needs_in(dependant: Dependant) -> Iterator[Need]:
    if isinstance(dependant.call, Need):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _needs_in(inner)
