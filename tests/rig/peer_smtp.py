"""The mail half of the receiver: RFC 5321 with PIPELINING (RFC 2920), and the faults that real servers show."""

from __future__ import annotations

import asyncio
from email.parser import BytesHeaderParser
from typing import Any

REFUSALS = {
    "421": "421 4.3.2 shutting down",
    "450": "450 4.2.0 greylisted",
    "451": "451 4.3.0 local error",
    "550": "550 5.1.1 no such user",
}
AT_THE_END = ("451", "reset", "hang", "drip", "accepted and reset", "accepted and silent")


class _Hangup(OSError):
    """The server hangs up."""


async def serve(desk: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    await _Session(desk, reader, writer).run()


class _Session:
    def __init__(self, desk: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.desk, self.reader, self.writer = desk, reader, writer
        self.rcpt: list[str] = []
        self.fault = ""

    async def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    def come_to(self, stage: str) -> None:
        if self.desk.reach(f"smtp: {stage}"):
            raise _Hangup

    async def run(self) -> None:
        await asyncio.sleep(self.desk.pause)
        self.come_to("connected")
        await self.say("220 receiver")
        while line := await self.reader.readline():
            words = line.decode("utf-8", "replace").strip()
            verb = words.split(" ")[0].upper().split(":")[0]
            if verb == "QUIT":
                await self._quit()
                return
            if verb == "RCPT":
                await self._rcpt(words)
            elif verb == "DATA":
                await self._data()
            else:
                await self.say(self._plain(verb))

    def _plain(self, verb: str) -> str:
        if verb == "EHLO":
            return "250-receiver\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000"
        if verb in ("MAIL", "RSET"):
            self.rcpt, self.fault = [], ""
        return "250 OK" if verb in ("HELO", "MAIL", "RSET", "NOOP") else "502 5.5.1 not here"

    async def _quit(self) -> None:
        """QQ answers zeros, others hang up: no failure of what was accepted before."""
        if self.desk.faults.get("quit"):
            self.writer.write(b"\0" * 8)
            self.writer.transport.abort()
        else:
            await self.say("221 bye")

    async def _rcpt(self, words: str) -> None:
        to = words[words.index("<") + 1 : words.index(">")]
        self.come_to("RCPT")
        fault = self.desk.fault(to, "mail")
        if fault in REFUSALS and fault not in AT_THE_END:
            self.desk.refuse("smtp", to, fault)
            await self.say(REFUSALS[fault])
            if fault == "421":
                raise _Hangup
            return
        self.rcpt.append(to)
        self.fault = self.fault or fault
        await self.say("250 OK")

    async def _data(self) -> None:
        if not self.rcpt:
            await self.say("554 5.5.1 no valid recipients")
            return
        self.come_to("before the final dot")
        await self.say("354 go on")
        content = await self.reader.readuntil(b"\r\n.\r\n")
        self.come_to("after the final dot")
        content = content[:-3].replace(b"\r\n..", b"\r\n.")
        identity = str(BytesHeaderParser().parsebytes(content)["Message-ID"]).strip("<>")
        if self.fault in ("451", "reset", "hang"):
            await self._refuse(identity)
            return
        self.desk.accept("smtp", ",".join(self.rcpt), identity, content)
        self.come_to("accepted, before 250")
        if self.fault == "accepted and reset":
            self.writer.transport.abort()
            raise _Hangup
        if self.fault == "accepted and silent":
            await self.reader.read()  # until the client gives up
            raise _Hangup
        await self._answer()
        self.come_to("after 250")
        self.rcpt, self.fault = [], ""

    async def _refuse(self, identity: str) -> None:
        self.desk.refuse("smtp", ",".join(self.rcpt), self.fault, identity)
        if self.fault == "451":
            await self.say(REFUSALS["451"])
            self.rcpt, self.fault = [], ""
            return
        if self.fault == "hang":
            await self.reader.read()
        self.writer.transport.abort()
        raise _Hangup

    async def _answer(self) -> None:
        if self.fault != "drip":
            await self.say("250 OK")
            return
        for byte in b"250-" + b"." * 400 + b"\r\n250 OK\r\n":
            self.writer.write(bytes([byte]))
            await self.writer.drain()
            await asyncio.sleep(0.05)
