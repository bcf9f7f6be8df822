"""A trial and the allowed domains, for every kind of channel: what leaves, as real receivers saw it."""

from __future__ import annotations

from datetime import date

import pytest

from reminder import cycle
from reminder.channels import CHANNELS
from reminder.domain.people import Unit
from reminder.store.engine import open_engine
from reminder.store.outbox_tables import MessageRow
from tests.makers import a_rule, at
from tests.rig import offices

NOON = at("2021-06-08 12:00")
ROBOTS = ("wecom", "dingtalk", "feishu")
EVERY = ("email", "maildir", "webhook", *ROBOTS)
TRIAL = {"redirect_to": ("trial@example.org",), "trial_channel": "mail"}


def test_these_are_all_kinds():
    assert set(EVERY) == set(CHANNELS)


@pytest.fixture
def office(tmp_path, peer, monkeypatch):
    """`office(kind, address, …)`: one unit with something due, written to by a channel of that kind; its message, and
    who was reached by what."""
    engines = []

    def lived(kind, address="u1@example.org", **more):
        peer.fresh(tmp_path / "ledger.jsonl", faults={"robot": True})
        engine = open_engine(offices.empty_database(tmp_path, None))
        engines.append(engine)
        monkeypatch.setenv("TRIAL_ROBOT_URL", f"http://127.0.0.1:{peer.http}/robot")
        inside = {"allow_private": ["127.0.0.0/8"]}
        own = {
            "email": lambda: offices.mail_keys(peer),
            "webhook": lambda: offices.hook_keys(peer),
            "maildir": lambda: {"path": "mailbox", "sender": "office@example.org"},
        }.get(kind, lambda: {"url": {"env": "TRIAL_ROBOT_URL"}, **inside})()
        keys = CHANNELS[kind].Keys.model_validate({"kind": kind, **own}) if isinstance(own, dict) else own
        unit = Unit(name="U1", channels=("own",), addresses={"own": (address,) if address else ()})
        offices.add_measures(engine, [("U1M1", "U1", "", date(2021, 6, 15))])
        channels = {"own": keys, "mail": offices.mail_keys(peer)}
        rules = (a_rule("deadline", before=[7]),)
        cycle.run(offices.service(engine, tmp_path, [unit], channels, rules=rules, **more), lambda: NOON)
        (message,) = offices.rows(engine, MessageRow)
        files = ["a file"] if list((tmp_path / "mailbox").glob("new/*")) else []
        return message, [line.to for line in peer.accepted()] + files

    yield lived
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(
    ("kind", "there"),
    [
        ("email", "u1@example.org"),
        ("maildir", "a file"),
        ("webhook", "/hook"),
        *((robot, "/robot") for robot in ROBOTS),
    ],
)
def test_without_a_trial_it_goes_by_its_own_channel(office, kind, there):
    message, reached = office(kind, "" if kind in ROBOTS else "u1@example.org")
    assert (message.state, reached) == ("sent", [there])


@pytest.mark.parametrize("kind", EVERY)
def test_in_a_trial_everything_goes_to_the_redirect_and_nothing_elsewhere(office, kind, peer):
    message, reached = office(kind, "" if kind in ROBOTS else "u1@example.org", **TRIAL)
    assert (message.state, reached) == ("sent", ["trial@example.org"])
    assert peer.accepted()[0].codes == {"U1M1"}


@pytest.mark.parametrize("kind", ["email", "maildir"])
@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("u1@elsewhere.example", "failed"),
        ("u1@notgov.example", "failed"),
        ("u1@gov.example.org", "failed"),
        ("u1@gov.example", "sent"),
        ("u1@jsj.gov.example", "sent"),
    ],
)
def test_mail_goes_only_to_the_allowed_domains_and_those_below_them(office, kind, address, state):
    message, reached = office(kind, address, allow_domains=("gov.example",))
    assert (message.state, bool(reached)) == (state, state == "sent")
    assert ("allow_domains" in message.why) == (state == "failed")


@pytest.mark.parametrize("kind", ["webhook", *ROBOTS])
def test_what_is_no_mail_has_no_domain_to_be_allowed(office, kind):
    message, reached = office(kind, "", allow_domains=("gov.example",))
    assert (message.state, len(reached)) == ("sent", 1)
