"""An office's own templates, rendered in a child process: however they loop or grow, they stop only themselves."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import threading
import weakref
from collections import defaultdict
from collections.abc import Mapping
from typing import IO, Any

from reminder import bounds
from reminder.errors import TemplateFault

WALL_SECONDS = 20.0  # the child bounds its own work; this is for one that cannot
_MOST_TIMES = 3  # that a template may reach a limit before nobody asks for it any more
_TOO_MUCH = "it needs more time or memory than a letter may: shorten it"
log = logging.getLogger("reminder.compose")


class Apart:
    """The templates of one folder and the process that renders them: started when first needed, ended with this."""

    def __init__(self, paths: Mapping[str, str], sources: Mapping[str, bytes]) -> None:
        self._paths = paths
        shelf = {name: base64.b64encode(text).decode() for name, text in sources.items()}
        self._shelf = json.dumps({"paths": dict(paths), "sources": shelf})
        self._child: _Child | None = None
        self._reached: dict[str, list[dict[str, Any]]] = defaultdict(list)  # answers that told of a limit
        self._one_at_a_time = threading.Lock()

    def render(self, name: str, facts: Mapping[str, object]) -> str:
        """The template filled in. Any failure is a TemplateFault; one that reaches a limit again and again is not
        tried any more, so that a thousand letters do not wait for it a thousand times."""
        with self._one_at_a_time:
            reached = self._reached[name]
            answer = reached[0] if len(reached) >= _MOST_TIMES else self._ask({"file": name, "facts": facts})
            if answer is None:
                answer = {"fault": [self._paths.get(name, name), 1, _TOO_MUCH], "limit": True}
            if answer.get("limit"):
                reached.append(answer)
        if fault := answer.get("fault"):
            raise TemplateFault(fault[0], fault[1], fault[2])
        return str(answer["text"])

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The child's answer; None where there is none, and the next question then gets a new child."""
        try:
            if self._child is None:
                self._child = _Child(self._shelf)
                weakref.finalize(self, self._child.end)
            return self._child.ask(json.dumps(question))
        except (OSError, ValueError) as error:
            log.warning("the process for the office's own templates has gone: %s", error or "no answer")
            if self._child is not None:
                self._child.end()
            self._child = None
            return None


class _Child:
    def __init__(self, shelf: str) -> None:
        self._process = subprocess.Popen(
            bounds.command("reminder.render.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bounds.environment(),
            encoding="utf-8",
        )
        self._say(shelf)

    def ask(self, question: str) -> dict[str, Any]:
        """OSError or ValueError where no whole answer comes in time."""
        timer = threading.Timer(WALL_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            self._say(question)
            answer: dict[str, Any] = json.loads(_given(self._process.stdout).readline())
        finally:
            timer.cancel()
        return answer

    def _say(self, line: str) -> None:
        pipe = _given(self._process.stdin)
        pipe.write(line + "\n")
        pipe.flush()

    def end(self) -> None:
        """May be called again."""
        bounds.end(self._process)


def _given(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ValueError("the process was started with pipes")
    return pipe
