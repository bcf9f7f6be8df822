"""The web half of the receiver: one POST a connection, and the faults that real endpoints show."""

from __future__ import annotations

import asyncio
from typing import Any

ANSWERS = {
    "400": "400 Bad Request",
    "410": "410 Gone",
    "500": "500 Internal Server Error",
    "301": "301 Moved Permanently\r\nLocation: /canary",
    "429": "429 Too Many Requests\r\nRetry-After: 120",
    "429 for ever": "429 Too Many Requests\r\nRetry-After: 999999999",
}


async def serve(desk: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request and its answer."""
    if desk.reach("http: connected"):
        return
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    path = head[0].split(" ")[1]
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    if desk.reach("http: request read"):
        return
    fault, identity = desk.fault(path, "hook"), headers.get("webhook-id", "")
    if fault in ANSWERS or fault in ("reset", "hang", "errcode"):
        desk.refuse("http", path, fault, identity)
    else:
        desk.accept("http", path, identity, body)
        if desk.reach("http: accepted, before the answer"):
            return
    await _answer(desk, fault, reader, writer)
    desk.reach("http: after the answer")


async def _answer(desk: Any, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault in ("reset", "accepted and reset"):
        writer.transport.abort()
    elif fault in ("hang", "accepted and silent"):
        await reader.read()  # until the client gives up
    elif fault == "drip":
        await _drip(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"." * 100000)
    elif fault == "endless":
        await _endless(desk, writer)
    elif fault == "errcode":
        await _whole(writer, "200 OK", b'{"errcode": 93000, "errmsg": "invalid webhook url"}')
    else:
        ok = b'{"errcode": 0, "errmsg": "ok", "code": 0}' if desk.faults.get("robot") else b""
        await _whole(writer, ANSWERS.get(fault, "200 OK"), ok)


async def _whole(writer: asyncio.StreamWriter, status: str, body: bytes) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


async def _drip(writer: asyncio.StreamWriter, answer: bytes) -> None:
    for byte in answer:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2)


async def _endless(desk: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
        desk.most["endless bytes"] += 65536
