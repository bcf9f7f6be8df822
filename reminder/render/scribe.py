"""A process that writes mails while this one reads what the next ones tell: letters are most of a big day's work, and
one interpreter uses one processor. Who would have to wait for it writes some of the others himself.

It is started where many are to be written, and ended where none were for a while. Whatever it cannot do is done by
whoever asked: a letter never depends on it.
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from struct import Struct
from threading import Lock
from typing import IO, Any, NamedTuple, Protocol

from reminder import bounds
from reminder.domain.message import Envelope
from reminder.render.letters import Render, rendered
from reminder.render.mime import build

WORTH_IT = 50  # so many mails at once: a process takes as long to start as some hundred take to be written
IDLE_SECONDS = 10.0  # afterwards it is ended
_ANSWER_SECONDS = 20.0  # for a handful of mails; who needs longer is stuck
_TOGETHER = 16  # mails in one question: who asks is away for as long as they take, to read what the next ones tell
_MOST_FAILURES = 3  # before it is not started any more
SIZE = Struct("!Q")  # of what follows, in bytes
log = logging.getLogger("reminder.render")


class Shelf(Protocol):
    """Templates, filled in by their names. `digest` tells one version of the built-in ones from another; "" where they
    are not used, and then a scribe writes nothing."""

    digest: str

    def render(self, name: str, facts: Mapping[str, object]) -> str:
        """The template filled in. Raises TemplateFault."""


class Question(NamedTuple):
    """A mail to be written: what its templates are told, and its envelope."""

    facts: Mapping[str, object]
    envelope: Envelope
    sender: str


class Mail(NamedTuple):
    """A mail as it goes over the wire, and its subject for people who look at the outbox."""

    subject: str
    content: bytes


@dataclass(slots=True)
class Page:
    """A mail that is asked for. `question` is None as soon as it was put: it takes as much memory as the mail does.
    `mail` is None where whoever asked has to write it himself."""

    question: Question | None
    done: bool = False
    mail: Mail | None = None


@dataclass(slots=True)
class Scribe:
    """Writes mails of one locale by its built-in templates.

    `shelf` are the templates as this process knows them, which may have been changed since on disk, with the program or
    without it.
    """

    locale: str
    shelf: Callable[[], Shelf]
    _child: _Child | None = None
    _asked: list[Page] = field(default_factory=list)  # what the child is writing
    _waiting: deque[Page] = field(default_factory=deque)
    _used_at: float = 0.0
    _failures: int = 0
    _lock: Lock = field(default_factory=Lock)  # one thread asks while others wait for what they asked for

    def ready(self, many: int) -> bool:
        """Whether it can write so many mails now. It is started where that would be worth it."""
        if many < WORTH_IT or self._failures >= _MOST_FAILURES or _processors() < 2:
            return False
        with self._lock:
            self._guarded(self._attend)
            return self._child is not None and self._child.knows is not None

    def write(self, question: Question) -> Page:
        """Asks for a mail; `read` waits for it."""
        with self._lock:
            page = Page(question, done=self._child is None)
            if not page.done:
                self._waiting.append(page)
                self._used_at = time.monotonic()
                self._guarded(self._go_on)
        return page

    def read(self, page: Page) -> Mail | None:
        """The mail, as soon as it is written; None where it cannot be had here."""
        with self._lock:
            self._guarded(self._go_on)
            while not page.done:
                self._guarded(self._await)
        return page.mail

    def rest(self) -> None:
        """Ends the process where it was not used for a while."""
        with self._lock:
            if self._child and time.monotonic() - self._used_at > IDLE_SECONDS:
                self._end()

    def close(self) -> None:
        """Ends the process, and starts none any more."""
        with self._lock:
            self._failures = _MOST_FAILURES
            self._end()

    def _end(self) -> None:
        """What it was asked for is to be written by whoever asked."""
        child, self._child = self._child, None
        if child:
            child.end()
        for page in (*self._asked, *self._waiting):
            page.done = True
        self._asked = []
        self._waiting.clear()

    def _attend(self) -> None:
        """Starts the process, hears its greeting, and ends it where it knows other templates than we do."""
        wanted = self.shelf().digest
        if self._child is None and wanted:
            self._used_at = time.monotonic()
            self._child = _Child(self.locale)
        elif self._child and not wanted:
            self._end()
        elif self._child and self._child.knows is None and self._child.speaks(0):
            self._child.knows = self._child.hears()
        if self._child and self._child.knows not in (None, wanted):
            raise ValueError("its templates are others than ours: was the program replaced while it ran?")

    def _go_on(self) -> None:
        if self._child and self._asked and self._child.speaks(0):
            self._take(self._child)
        if self._child and self._waiting and not self._asked:
            self._asked = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
            self._child.say([page.question for page in self._asked])
            for page in self._asked:
                page.question = None

    def _await(self) -> None:
        """Until the next answer the last of those that wait are written here, where nothing else would be done."""
        if self._child and self._waiting and not self._child.speaks(0):
            page = self._waiting.pop()
            question, page.question, page.done = page.question, None, True
            page.mail = question and mail(question, self.shelf().render, self.locale)
        elif self._child and self._asked:
            self._take(self._child)
        self._go_on()

    def _take(self, child: _Child) -> None:
        for page, written in zip(self._asked, child.hears(), strict=True):
            page.mail, page.done = written and Mail(*written), True
        self._asked = []

    def _guarded(self, step: Callable[[], None]) -> None:
        """Takes a step; a process that has gone, or does not answer as it should, is ended."""
        try:
            step()
        except Exception as error:
            self._failures += 1
            log.warning("the process that writes letters is ended, they are written without it: %s", error)
            self._end()


def mail(question: Question, render: Render, locale: str) -> Mail | None:
    """A mail written by the templates that `render` fills in; None where it cannot be."""
    try:
        letter = rendered(question.facts, render, locale)
        return Mail(letter.subject, build(letter, question.envelope, question.sender))
    except Exception:  # whoever asked meets it again, and says what it was
        return None


class _Child:
    """The process: it tells which templates it `knows`, then there is one answer to each question. TimeoutError where
    it stops in the midst of either."""

    def __init__(self, locale: str) -> None:
        self.knows: str | None = None
        self._process = subprocess.Popen(
            bounds.command("reminder.render.mails", locale),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bounds.environment(),
        )
        self._asked, self._told = _given(self._process.stdin).fileno(), _given(self._process.stdout).fileno()
        os.set_blocking(self._asked, False)
        for pipe in (self._asked, self._told):
            _widen(pipe)

    def say(self, question: object) -> None:
        rest = memoryview(framed(question))
        while rest:
            if not select.select([], [self._asked], [], _ANSWER_SECONDS)[1]:
                raise TimeoutError(f"it heard nothing for {_ANSWER_SECONDS:g} s")
            rest = rest[os.write(self._asked, rest) :]

    def hears(self) -> Any:
        return pickle.loads(self._read(SIZE.unpack(self._read(SIZE.size))[0]))

    def _read(self, size: int) -> bytearray:
        told = bytearray()
        while len(told) < size:
            if not self.speaks(_ANSWER_SECONDS):
                raise TimeoutError(f"no answer within {_ANSWER_SECONDS:g} s")
            if not (some := os.read(self._told, size - len(told))):
                raise EOFError("it has gone")
            told += some
        return told

    def speaks(self, seconds: float) -> bool:
        """Whether an answer begins or goes on, or the process ends, within so many seconds."""
        return bool(select.select([self._told], [], [], seconds)[0])

    def end(self) -> None:
        bounds.end(self._process)


def _given(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # the process was started with pipes
    return pipe


def framed(told: object) -> bytes:
    """What goes through a pipe, behind its length."""
    content = pickle.dumps(told, protocol=pickle.HIGHEST_PROTOCOL)
    return SIZE.pack(len(content)) + content


def _widen(pipe: int) -> None:
    """Room for a whole answer, so that it is written at once; Linux, fcntl(2)."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415  # there is none on Windows

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)


def _processors() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1
