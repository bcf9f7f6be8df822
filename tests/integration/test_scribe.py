"""Mails written by a process of its own: the same bytes, and nothing depends on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reminder import outbox
from reminder.compose import compose, samples, templates, told
from reminder.cycle import enqueue
from reminder.cycle.opener import Opener
from reminder.cycle.prepare import Batch, prepare
from reminder.cycle.starting import Asked, answered
from reminder.domain.message import Envelope
from reminder.domain.people import Unit
from reminder.render import scribe as module
from reminder.render.mime import build
from reminder.render.scribe import WORTH_IT, Question, Scribe
from reminder.store.engine import reading, writing
from reminder.words import LOCALES
from tests.integration.stage import Stage
from tests.makers import a_directory, a_rule, at
from tests.unit.compose_cast import MONDAY, SHANGHAI, circumstances

NINE = at("2021-06-08 09:00")
SENDER = "整改办 <office@example.org>"
ENVELOPE = Envelope(
    message_id="r-1@example.org",
    recipient="建设局",
    addresses=("a@example.org",),
    written_at=datetime(2021, 5, 31, 1, tzinfo=UTC),
)
NASTY = "换行\r\n\u2028第三行<script>=?utf-8?q?a=0D=0A?=\u202e\x00\ud800"


@dataclass
class Known:
    """Templates of which a test says what is known."""

    digest: str
    render: Callable[..., str]


@pytest.fixture
def hire(monkeypatch):
    """`hire(locale)`: a scribe that is ready."""
    monkeypatch.setattr(module, "_processors", lambda: 2)
    hired = []

    def hiring(locale="zh_CN", digest=None):
        shelf = templates(None, locale)
        known = Known(shelf.digest if digest is None else digest, shelf.render)
        hired.append(Scribe(locale, lambda: known))
        return hired[-1]

    yield hiring
    for one in hired:
        one.close()


_ready = Scribe.ready


def ready(scribe: Scribe, many: int = WORTH_IT) -> bool:
    """As `Scribe.ready`, but it waits for a process that has been started, where it would be asked at all."""
    end = time.monotonic() + 60
    while not _ready(scribe, many):
        if many < module.WORTH_IT or time.monotonic() > end or scribe._child is None:
            return False
        time.sleep(0.005)
    return True


def begun(scribe: Scribe) -> None:
    """Its process is there, and greeted."""
    assert not scribe.ready(WORTH_IT)
    assert ready(scribe)


@pytest.mark.parametrize("locale", LOCALES)
def test_its_mails_are_those_that_are_written_here(hire, locale):
    scribe = hire(locale)
    begun(scribe)
    told_of = circumstances(contact=NASTY)
    told_of = replace(told_of, locale=locale)
    letters = [[one] for one in samples(locale, MONDAY, SHANGHAI)]
    pages = [scribe.write(Question(told(one, told_of), ENVELOPE, SENDER)) for one in letters]
    mails = [scribe.read(page) for page in pages]
    ours = [compose(one, told_of, brief=False) for one in letters]
    assert [mail and mail.subject for mail in mails] == [letter.subject for letter in ours]
    assert [mail and mail.content for mail in mails] == [build(letter, ENVELOPE, SENDER) for letter in ours]


def a_question(**changes):
    one = samples("zh_CN", MONDAY, SHANGHAI)[0]
    return Question(told([one], circumstances()), replace(ENVELOPE, **changes), SENDER)


def test_what_it_cannot_write_is_left_to_whoever_asked_and_stops_only_itself(hire):
    scribe = hire()
    begun(scribe)
    asked = [a_question(), a_question(message_id="no id"), Question({}, ENVELOPE, SENDER), a_question()]
    mails = [scribe.read(page) for page in [scribe.write(one) for one in asked]]
    assert [mail is None for mail in mails] == [False, True, True, False]


def test_a_process_that_has_gone_leaves_its_letters_and_another_one_is_started(hire):
    scribe = hire()
    begun(scribe)
    os.kill(scribe._child._process.pid, signal.SIGKILL)
    pages = [scribe.write(a_question()) for _ in range(30)]
    assert [scribe.read(page) for page in pages] == [None] * 30
    begun(scribe)
    assert scribe.read(scribe.write(a_question()))


def test_who_waits_for_it_writes_the_last_ones_himself(hire):
    scribe = hire()
    begun(scribe)
    process = scribe._child._process
    os.kill(process.pid, signal.SIGSTOP)
    pages = [scribe.write(a_question(message_id=f"r-{n}@example.org")) for n in range(40)]
    mails = [scribe.read(page) for page in reversed(pages[20:])]
    os.kill(process.pid, signal.SIGCONT)
    mails += [scribe.read(page) for page in reversed(pages[:20])]
    assert process.poll() is None
    letter = compose([samples("zh_CN", MONDAY, SHANGHAI)[0]], circumstances(), brief=False)
    ours = [build(letter, replace(ENVELOPE, message_id=f"r-{n}@example.org"), SENDER) for n in range(40)]
    assert [mail and mail.content for mail in reversed(mails)] == ours


def test_templates_that_cannot_be_read_meanwhile_keep_nobody_waiting(hire):
    scribe = hire()
    begun(scribe)
    os.kill(scribe._child._process.pid, signal.SIGSTOP)
    pages = [scribe.write(a_question()) for _ in range(40)]

    def unreadable():
        raise OSError("no such folder any more")

    scribe.shelf = unreadable
    assert [scribe.read(page) for page in pages] == [None] * 40


def test_a_process_that_hangs_is_ended(hire, monkeypatch):
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.2)
    scribe = hire()
    begun(scribe)
    process = scribe._child._process
    os.kill(process.pid, signal.SIGSTOP)
    assert scribe.read(scribe.write(a_question())) is None
    assert process.poll() == -signal.SIGKILL


def test_it_is_not_started_for_ever(hire):
    scribe = hire()
    for _ in range(3):
        begun(scribe)
        os.kill(scribe._child._process.pid, signal.SIGKILL)
        assert scribe.read(scribe.write(a_question())) is None
    assert not scribe.ready(WORTH_IT)
    assert scribe._child is None


def test_a_process_of_another_version_writes_nothing(hire):
    scribe = hire(digest="another")
    for _ in range(3):
        assert not scribe.ready(WORTH_IT)
        assert scribe._child is not None
        assert not ready(scribe)
    assert not scribe.ready(WORTH_IT)
    assert scribe._child is None


def test_templates_that_the_office_puts_there_meanwhile_end_it(hire):
    scribe = hire()
    begun(scribe)
    scribe.shelf().digest = ""
    assert not scribe.ready(WORTH_IT)
    assert scribe._child is None


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("", {}),  # it never answers
        ("hear(); told.write(SIZE.pack(99) + b'begun')", {}),
        ("", {"long": "长" * 2**20}),  # more than its pipe holds
        ("hear(); told.write(framed([]))", {}),
        ("hear(); told.write(SIZE.pack(3) + b'???')", {}),
    ],
    ids=["silent", "in the midst", "deaf", "too few", "nonsense"],
)
def test_a_process_that_stops_or_talks_nonsense_is_ended(hire, monkeypatch, code, facts):
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    scribe = hire()
    begin = "import sys, time\nfrom reminder.render.scribe import SIZE, framed\n"
    begin += "told = sys.stdout.buffer\ndef hear(): sys.stdin.buffer.read(9)\n"
    code = f"{begin}told.write(framed({scribe.shelf().digest!r})); told.flush()\n{code}\ntold.flush(); time.sleep(60)"
    monkeypatch.setattr(module.bounds, "command", lambda *_: (sys.executable, "-c", code))
    begun(scribe)
    process = scribe._child._process
    assert scribe.read(scribe.write(a_question()._replace(facts=facts))) is None
    assert scribe._child is None
    assert process.poll() is not None


@pytest.mark.parametrize(("many", "processors", "digest"), [(WORTH_IT - 1, 2, None), (900, 1, None), (900, 2, "")])
def test_few_letters_one_processor_or_templates_of_the_offices_own_need_none(
    hire, monkeypatch, many, processors, digest
):
    monkeypatch.setattr(module, "_processors", lambda: processors)
    scribe = hire(digest=digest)
    assert not scribe.ready(many)
    assert scribe._child is None


def test_it_rests_after_a_while(hire, monkeypatch):
    scribe = hire()
    begun(scribe)
    process = scribe._child._process
    scribe.rest()
    assert process.poll() is None
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    scribe.rest()
    assert process.poll() is not None


def test_it_ends_with_its_parent():
    code = (
        "import os, time\nfrom reminder.compose import templates\nfrom reminder.render import scribe\n"
        "scribe._processors = lambda: 2\none = scribe.Scribe('zh_CN', lambda: templates(None, 'zh_CN'))\n"
        "one.ready(900)\nwhile not one.ready(900): time.sleep(0.01)\n"
        "print(one._child._process.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = Path(f"/proc/{parent.stdout.readline().strip()}")
    assert child.is_dir()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 60
    while _lives(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not _lives(child)


def _lives(process: Path) -> bool:
    """A dead one may still wait for somebody to look at it."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def a_stage(folder, many, **service):
    units = {f"{n}局": Unit(name=f"{n}局", channels=("mail",), addresses={"mail": ("a@x.org",)}) for n in range(many)}
    stage = Stage(folder, rules=(a_rule("deadline", before=[7]),), directory=a_directory(units=units), **service)
    for name in units:
        stage.measure(name, "2021-06-15", [name])
    return stage


def planned(folder, many, **service):
    """An office whose letters wait, and those claimed."""
    stage = a_stage(folder, many, **service)
    enqueue(stage.service, NINE)
    with writing(stage.engine) as session:
        claimed = outbox.claim(session, NINE, many, ["mail"], token=outbox.new_token())
    assert len(claimed) == many
    return stage.service, claimed


def prepared(service, claimed, scribe=None):
    opener = Opener(service)
    with reading(service.engine) as session:
        decided = prepare(service, opener, session, Batch(claimed, NINE), scribe)
    return [answered(one) if isinstance(one, Asked) else one for one in decided]


def test_the_same_is_decided_and_written_with_it(tmp_path, hire):
    scribe = hire()
    begun(scribe)
    service, claimed = planned(tmp_path, 60)
    with_it = prepared(service, claimed, scribe)
    assert with_it == prepared(service, claimed)
    assert len({one.written.payload for one in with_it}) == 60


def test_a_cap_counts_those_whose_letters_are_still_being_written(tmp_path, hire):
    scribe = hire()
    begun(scribe)
    service, claimed = planned(tmp_path, 60, most_per_day=1)
    twice = [replace(one, recipient=f"{n % 30}局") for n, one in enumerate(claimed)]
    found = prepared(service, twice, scribe)
    assert [getattr(one, "why", "sent") for one in found] == ["sent"] * 30 + ["cap"] * 30


def test_a_morning_is_sent_although_the_process_is_killed_again_and_again(tmp_path, hire, monkeypatch):
    monkeypatch.setattr(module, "WORTH_IT", 1)  # on a slow machine few are claimed at once
    asked = Counter()
    write = Scribe.write

    def killed_now_and_then(self, question):
        asked["questions"] += 1
        if asked["questions"] % 40 == 7 and self._child:
            self._child._process.kill()
        return write(self, question)

    monkeypatch.setattr(Scribe, "write", killed_now_and_then)
    monkeypatch.setattr(Scribe, "ready", lambda self, many: _ready(self, many) or ready(self, many))
    stage = a_stage(tmp_path, 120)
    assert dict(stage.cycle("2021-06-08 09:00").messages) == {"sent": 120}
    assert len(stage.letters()) == len({letter["Message-ID"] for letter in stage.letters()}) == 120
    assert asked["questions"] > 20
