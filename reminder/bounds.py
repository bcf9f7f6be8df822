"""What child processes that handle untrusted input are given: limits of memory and time, and no secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import reminder

_PLAIN = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP")


def command(module: str, *words: str) -> Sequence[str]:
    """The command line that runs `module` of this package in a new interpreter."""
    return (sys.executable, "-X", "utf8", "-m", module, *words)


def environment() -> dict[str, str]:
    """What such a process may know of ours: none of the secrets that stand in the environment."""
    plain = {name: os.environ[name] for name in _PLAIN if name in os.environ}
    return plain | {"PYTHONPATH": str(Path(reminder.__file__).resolve().parent.parent)}


def end(process: subprocess.Popen[Any]) -> None:
    """Ends such a process, whatever it is doing. May be called again."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):  # what was not yet written need not be
                pipe.close()
    process.wait()


def limit_memory(most: int) -> None:
    """Lets this process take `most` bytes beside what it has now. Does nothing on Windows, which has no such limits."""
    try:
        import resource  # noqa: PLC0415  # there is none on Windows
    except ImportError:
        return
    statm = Path("/proc/self/statm")
    base = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (base + most, base + most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_work(*, cpu_seconds: int, most_written: int) -> None:
    """Ends this process after so much work in all, and when a file that it writes grows longer than this."""
    try:
        import resource  # noqa: PLC0415  # the same
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_written, most_written))
