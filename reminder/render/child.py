"""`python -m reminder.render.child`: renders an office's own templates inside limits of time and memory.

stdin and stdout are JSON, one line each: first {"paths", "sources"}, then for each {"file", "facts"} a {"text"} or a
{"fault": [file, line, text]}. A template may exhaust or crash this process; the parent then uses the built-in one.
"""

from __future__ import annotations

import base64
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any

from reminder.bounds import limit_memory
from reminder.errors import TemplateFault
from reminder.render.sandbox import Sandbox

MEMORY = 256 * 2**20
CPU_SECONDS = 2.0


class TooLong(Exception):
    """A template takes more than CPU_SECONDS."""


def main(asked: IO[str], told: IO[str]) -> None:
    """Answers until nobody asks any more."""
    limit_memory(MEMORY)
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _too_long)
    shelf = json.loads(asked.readline())
    sources = {name: base64.b64decode(text) for name, text in shelf["sources"].items()}
    sandbox = Sandbox(shelf["paths"], sources)
    for line in asked:
        told.write(json.dumps(_answer(sandbox, json.loads(line))) + "\n")
        told.flush()


def _answer(sandbox: Sandbox, question: Mapping[str, Any]) -> dict[str, object]:
    try:
        with _within_cpu_seconds():
            return {"text": sandbox.render(question["file"], question["facts"])}
    except TemplateFault as fault:
        return {
            "fault": [fault.file, fault.line, fault.text],
            "limit": isinstance(fault.__cause__, TooLong | MemoryError),
        }


@contextmanager
def _within_cpu_seconds() -> Iterator[None]:
    """Raises TooLong where the block works for too long. On Windows only the parent's clock bounds it."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise TooLong(f"it works for more than {CPU_SECONDS:.0f} s: shorten its loops")


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
