"""Nonsense to every page and to the API: no failure of the service's own, nothing that comes back as markup."""

from __future__ import annotations

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from sqlalchemy import update

from reminder.gate.role import Role
from reminder.store.engine import writing
from reminder.store.tables import MeasureRow
from reminder.web.access import Bearer, Linked, needs
from reminder.web.headers import Guarded
from tests.integration.web.conftest import letters, link_in
from tests.integration.web.fuzzer import CANARY, RAW, Fuzzer

BOUNDED, LONG = 250, 10_000
DESK = ("/measures/1", "/letters", "/silences", "/reports", "/messages", "/messages/1", "/upload")
QUERY = ("week", "lang", "next", "v", "colour", "text", "sort", "page", "unit")


def fuzzed(week, requests: int, seed: int) -> Fuzzer:
    """So many requests: half of them forms, half of them pages with nonsense in their addresses."""
    fuzzer = Fuzzer(seed)
    forms = [(link_in(letters(week)["建设局"][0]), None), ("/login", None), *((path, Role.OFFICER) for path in DESK)]
    paths = [path for (method, path), need in needs(week.served).items() if method == "GET"]
    office, visitor = week.browser(Role.ADMINISTRATOR), week.browser()
    office.headers.update(week.token(Role.OFFICER))
    while fuzzer.sent < requests:
        for path, role in forms:
            fuzzer.fill(office if role else visitor, path)
        for path in paths:
            asked = re.sub(r"\{\w+\}", lambda _: _in_path(fuzzer.value()), path)
            fuzzer.look(fuzzer.random.choice((office, visitor)), asked, *QUERY)
    return fuzzer


def _in_path(value: str) -> str:
    kept = "".join(c for c in value if c.isprintable() and c not in "/?#\\%")[:200]
    return kept.strip(".") or "x"


def check(fuzzer: Fuzzer) -> None:
    assert fuzzer.broken == []
    assert len([code for code in fuzzer.codes if code < 500]) >= 4, fuzzer.codes  # it reached more than one answer
    for path in ("/measures/1/acts", "/letters", "/silences", "/reports", "/upload", "/login"):
        assert f"POST {path}" in fuzzer.asked, sorted(fuzzer.asked)


def test_nonsense_is_answered(week):
    check(fuzzed(week, BOUNDED, 1))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_pieces_of_nonsense_are_answered(week):
    fuzzer = fuzzed(week, LONG, 2)
    print(fuzzer.sent, fuzzer.codes)
    check(fuzzer)


def test_the_fuzzer_catches_what_it_looks_for(week, monkeypatch):
    monkeypatch.setattr("reminder.web.unit_form.text", lambda *_: 1 / 0)
    assert fuzzed(week, 150, 3).broken != []
    assert RAW.search(f"<p>{CANARY}</p>")


def test_cve_2023_40577_a_ledger_full_of_markup_comes_back_as_text(week):
    with writing(week.engine) as session:
        session.connection().execute(
            update(MeasureRow).values(
                dict.fromkeys(("text", "problem", "problem_text", "aspect", "goal", "leader", "progress"), CANARY)
                | {"deadline_text": CANARY, "blocked_by": CANARY, "tags": [CANARY]}
            )
        )
    week.desk.cycle("2021-06-08 09:00")
    browser, seen = week.browser(Role.ADMINISTRATOR), 0
    pages = [path for (method, path), need in needs(week.served).items() if method == "GET" and "{" not in path]
    pages += [link_in(text) for texts in letters(week).values() for text in texts]
    for path in pages:
        shown = browser.get(path)
        assert shown.status_code < 500 or path == "/healthz"
        if shown.headers.get("content-type", "").startswith("text/html"):
            assert not RAW.search(shown.text), path
            seen += "canary()" in shown.text
    assert seen >= 2  # it is there, as text


def operations(week):
    """Every operation of the API as it describes itself."""
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", Guarded(week.served))
    return [one.ok() for one in described.get_all_operations()]


def call_all(week, examples: int) -> dict[int, int]:
    """Calls every operation with so many examples of what its description allows; fails where the service does."""
    token, codes = week.token(Role.OFFICER), {}
    for operation in operations(week):

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(operation.as_strategy())
        def call(case):
            answer = case.call(headers=token)
            codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=[schemathesis.checks.not_a_server_error])

        call()
    return codes


def test_the_api_answers_whatever_its_description_allows(week):
    codes = call_all(week, 15)
    assert {200, 409} <= set(codes), codes


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_api_answers_thousands(week):
    print(call_all(week, 400))


def test_every_route_of_the_api_is_fuzzed(week):
    served = {(method, path) for (method, path), need in needs(week.served).items() if isinstance(need, Bearer)}
    assert served == {(one.method.upper(), one.path) for one in operations(week)}


def test_every_link_page_is_fuzzed(week):
    assert {path for (_, path), need in needs(week.served).items() if isinstance(need, Linked)} == {"/r/{token}"}
