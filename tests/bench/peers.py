"""Peers to send to, each a process of its own: smtp-sink and nginx from Debian, and one that answers late."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SBIN = "/usr/sbin"
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""
LATE = '''
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"

class Late(asyncio.Protocol):
    """Answers each request a while after it came; bodies are small and come with Content-Length."""

    def connection_made(self, transport):
        self.transport, self.held = transport, b""

    def data_received(self, data):
        self.held += data
        head, mark, body = self.held.partition(b"\\r\\n\\r\\n")
        if not mark:
            return
        length = next(int(line[15:]) for line in head.split(b"\\r\\n") if line.lower().startswith(b"content-length:"))
        if len(body) >= length:
            self.held = body[length:]
            asyncio.get_running_loop().call_later(float(sys.argv[2]), self.transport.write, ANSWER)

async def main():
    server = await asyncio.get_running_loop().create_server(Late, "127.0.0.1", int(sys.argv[1]), backlog=256)
    await server.serve_forever()

asyncio.run(main())
'''


def program(name: str) -> str:
    """Where a program of Debian's lies. Without it the benchmark ends with a sentence."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if found is None:
        raise SystemExit(f"{name} is not installed: run .ci/setup, or apt-get install postfix nginx-light")
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def running(port: int, *command: str) -> Iterator[int]:
    """A process that listens on `port`, until the block ends; yields its port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{process.args!r} does not listen")


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    """A mail server that takes everything and keeps nothing; yields its port."""
    port = free_port()
    user = ("-u", "nobody") if os.getuid() == 0 else ()
    with running(port, program("smtp-sink"), *user, *options, f"127.0.0.1:{port}", "1000") as listening:
        yield listening


def smtp_source(port: int, sessions: int, many: int, mail: Path) -> float:
    """How long Postfix's own sender takes to hand `many` copies of the file `mail` over, in seconds."""
    command = [program("smtp-source"), "-s", str(sessions), "-d", "-m", str(many), "-F", str(mail)]
    begun = time.perf_counter()
    subprocess.run([*command, "-f", "a@x.org", "-t", "b@x.org", f"127.0.0.1:{port}"], check=True, capture_output=True)
    return time.perf_counter() - begun


@contextmanager
def nginx() -> Iterator[int]:
    """A web server that answers 200 at once; yields its port."""
    with tempfile.TemporaryDirectory() as folder:
        port, file = free_port(), Path(folder) / "nginx.conf"
        file.write_text(_NGINX.format(folder=folder, port=port))
        with running(port, program("nginx"), "-p", folder, "-c", str(file)) as listening:
            yield listening


@contextmanager
def late_peer(seconds: float) -> Iterator[int]:
    """A web server that answers 200 after so many seconds; yields its port."""
    port = free_port()
    with running(port, sys.executable, "-c", LATE, str(port), str(seconds)) as listening:
        yield listening
