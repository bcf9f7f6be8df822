"""`python -m reminder.render.mails LOCALE`: writes mails by the built-in templates, for `scribe`.

stdin and stdout are pickles between two processes of this program, each behind its length: first the digest of the
templates, then for each list of questions a list with (subject, content), or None where a mail cannot be written here.
It ends with its parent.
"""

from __future__ import annotations

import gc
import pickle
import sys
from typing import IO

from reminder.bounds import limit_memory
from reminder.render.built_in import built_in, digest
from reminder.render.sandbox import Sandbox
from reminder.render.scribe import SIZE, framed, mail

MEMORY = 256 * 2**20


def main(locale: str, asked: IO[bytes], told: IO[bytes]) -> None:
    """Answers until nobody asks any more."""
    limit_memory(MEMORY)
    paths = {name: str(path) for name, path in built_in(locale).items()}
    sources = {name: path.read_bytes() for name, path in built_in(locale).items()}
    sandbox = Sandbox(paths, sources, joined=True)
    gc.freeze()
    _say(told, digest(sources))
    while size := asked.read(SIZE.size):
        questions = pickle.loads(asked.read(*SIZE.unpack(size)))
        _say(told, [mail(question, sandbox.render, locale) for question in questions])


def _say(told: IO[bytes], answer: object) -> None:
    told.write(framed(answer))
    told.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
