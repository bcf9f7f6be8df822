"""What a delivery asks of its database and of its mail server, recorded, and played again with nothing between.

The same statements with the same values in the same transactions, the same bytes over the same connections, the same
answers awaited: by `sqlite3` and sockets alone. Nobody who does these can be faster in one thread of Python.
"""

from __future__ import annotations

import smtplib
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

Step = tuple[str, object, Any]
"""What is done, by which connection, and with what."""


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Step]]:
    """All that happens meanwhile on the database of `engine` and over SMTP, in the order in which it happens."""
    tape: list[Step] = []
    listeners: dict[str, Callable[..., None]] = {
        "begin": lambda one: tape.append(("execute", _driver(one), (_begins(one), ()))),
        "before_cursor_execute": partial(_said, tape),
        "commit": lambda one: tape.append(("execute", _driver(one), ("COMMIT", ()))),
        "rollback": lambda one: tape.append(("execute", _driver(one), ("ROLLBACK", ()))),
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    send, getreply = smtplib.SMTP.send, smtplib.SMTP.getreply

    def sent(smtp: smtplib.SMTP, said: bytes | str) -> None:
        tape.append(("send", smtp, said if isinstance(said, bytes) else said.encode("ascii")))
        send(smtp, said)

    def replied(smtp: smtplib.SMTP) -> tuple[int, bytes]:
        tape.append(("reply", smtp, None))
        return getreply(smtp)

    with patch.object(smtplib.SMTP, "send", sent), patch.object(smtplib.SMTP, "getreply", replied):
        yield tape
    for name, listener in listeners.items():
        event.remove(engine, name, listener)


def _driver(connection: Connection) -> object:
    return connection.connection.driver_connection


def _begins(connection: Connection) -> str:
    return "BEGIN" if connection.get_execution_options().get("reminder_reading") else "BEGIN IMMEDIATE"


def _said(
    tape: list[Step], connection: Connection, _cursor: object, statement: str, values: Any, _context: object, many: bool
) -> None:
    tape.append(("executemany" if many else "execute", _driver(connection), (statement, values)))


def play(tape: list[Step], database: str, port: int) -> None:
    """Does the same once more, from the state in which the database was then."""
    stores, lines, answers = dict[object, sqlite3.Connection](), dict[object, socket.socket](), dict[object, Any]()
    for done, by, what in tape:
        if done == "send":
            if by not in lines:
                lines[by] = socket.create_connection(("127.0.0.1", port))
                answers[by] = lines[by].makefile("rb")
                _heard(answers[by])  # the greeting
            lines[by].sendall(what)
        elif done == "reply":
            if by in lines:  # the greeting was awaited before anything was sent
                _heard(answers[by])
        else:
            if by not in stores:
                stores[by] = _opened(database)
            getattr(stores[by], done)(*what).fetchall()
    for store in stores.values():
        store.close()
    for line in lines.values():
        line.close()


def _heard(answers: Any) -> None:
    while answers.readline()[3:4] == b"-":
        pass


def _opened(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
