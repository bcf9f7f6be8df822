"""Takes secrets out of texts that are stored and shown: requests' exceptions hold whole URLs, servers echo logins."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "***"
LONGEST = 500  # characters of a peer's answer that are worth keeping
_URL = re.compile(r"(https?://)([^\s/?#'\"<>)]*)([^\s'\"<>)]*)", re.IGNORECASE)
_PATH = re.compile(r"(\burl: )\S+", re.IGNORECASE)  # urllib3: "Max retries exceeded with url: /send?key=…"


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` on one line, cut to LONGEST, without the secrets in any usual spelling and with URLs cut to their host."""
    text = hidden(text, secrets)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:LONGEST]


def hidden(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets in any usual spelling and with URLs cut to their host; its lines stay."""
    for secret in secrets:
        for spelling in sorted(_spellings(secret), key=len, reverse=True):
            text = text.replace(spelling, HIDDEN)
    if ":" not in text:  # most answers of a server hold none
        return text
    return _PATH.sub(rf"\1{HIDDEN}", _URL.sub(_host_only, text))


def _host_only(found: re.Match[str]) -> str:
    scheme, authority, rest = found.groups()
    host = authority.rpartition("@")[2]
    return f"{scheme}{host}/{HIDDEN}" if len(rest) > 1 else f"{scheme}{host}"


def _spellings(secret: str) -> set[str]:
    """How a secret may turn up: as it is, percent-encoded, in base64, and, of a URL,
    the parts that identify its holder."""
    raw = {secret, *secret.split()}
    if "://" in secret:
        raw |= _password(secret)
    if secret.lower().startswith(("http://", "https://")):
        parts = urlsplit(secret)
        raw |= {parts.path, parts.query, *(v.partition("=")[2] for v in parts.query.split("&"))}
        raw |= {parts.path.rpartition("/")[2]}
    found = set[str]()
    for each in raw:
        found |= {each, quote(each, safe=""), quote_plus(each), base64.b64encode(each.encode()).decode()}
    return {each for each in found if len(each) >= 4}  # shorter ones would blot out ordinary words


def _password(url: str) -> set[str]:
    """The password of a URL, of a database as well, as it stands there and as it is meant."""
    try:
        parts = urlsplit(url)
        given = [parts.password or "", *(v for name, v in parse_qsl(parts.query) if name == "password")]
    except ValueError:
        return set()
    return {*given, *map(unquote, given)}
