"""A webhook receiver in its own process: what it accepts is on its disk before it answers.

Run as `python tests/rig/receiver.py LEDGER`; prints its port. Each accepted message is one line: path, id, digest.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock


def main() -> None:
    """Serves until its parent goes away."""
    lock = Lock()
    ledger = Path(sys.argv[1]).open("a", encoding="utf-8")  # noqa: SIM115  # open as long as the process lives

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                ledger.write(f"{self.path} {self.headers['webhook-id']} {sha256(body).hexdigest()}\n")
                ledger.flush()
                os.fsync(ledger.fileno())
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Says nothing: the test reads the ledger."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
