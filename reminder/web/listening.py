"""An address to listen on, as `[web] listen` writes it. Imports nothing heavy."""

from __future__ import annotations

import socket


def parts(listen: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:8080" or "[::1]:8080"."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def listener(listen: str) -> socket.socket:
    """A bound socket. OSError where the address is in use or not this machine's."""
    host, port = parts(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
