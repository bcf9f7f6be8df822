"""A way to PostgreSQL that loses the answer to one COMMIT: the server has committed, the client cannot know."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import make_url

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # a simple query: PostgreSQL's manual, "Message Formats"


class Way:
    """`url` leads through it. After `lose(mark)` the first transaction that says `mark` gets no answer to its COMMIT
    and is hung up on; then `lost` is set."""

    def __init__(self, url: str, listener: socket.socket) -> None:
        given = make_url(url)
        self._host, self._port = str(given.query.get("host") or given.host), given.port or 5432
        self._listener, self._mark = listener, b""
        self._under_way: list[tuple[socket.socket, threading.Thread]] = []
        self.lost = threading.Event()
        ours = given.set(query={}, host="127.0.0.1", port=listener.getsockname()[1])
        self.url = ours.render_as_string(hide_password=False)

    def lose(self, mark: str) -> None:
        self.lost.clear()
        self._mark = mark.encode()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                thread = threading.Thread(target=self._carry, args=(client,), daemon=True)
                self._under_way.append((client, thread))
                thread.start()

    def _dial(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(self._host) / f".s.PGSQL.{self._port}"))
        return server

    def _carry(self, client: socket.socket) -> None:
        said, losing = b"", False
        with client, self._dial() as server, suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    chunk = source.recv(65536)
                    if source is server and chunk and losing:
                        self.lost.set()
                        return
                    if not chunk:
                        return
                    (server if source is client else client).sendall(chunk)
                    if source is client:
                        said = (said + chunk)[-100_000:]
                        losing = losing or self._is_it(said)
                        said = b"" if said.endswith(COMMIT) else said

    def _is_it(self, said: bytes) -> bool:
        if not (self._mark and self._mark in said and said.endswith(COMMIT)):
            return False
        self._mark = b""
        return True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for client, thread in self._under_way:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            thread.join(20)


@contextmanager
def losing(url: str) -> Iterator[Way]:
    """A way to the server of `url`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        way = Way(url, listener)
        serving = threading.Thread(target=way.serve, daemon=True)
        serving.start()
        yield way
        way.close()
        serving.join(20)
