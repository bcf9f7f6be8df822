"""E-mail addresses: strict where people type them, plain ASCII where they go over the wire."""

from __future__ import annotations

import re
from collections.abc import Collection
from email.utils import parseaddr
from functools import lru_cache

from reminder.words import say

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 dot-atom
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LITERAL = re.compile(r"\[[0-9A-Fa-f:.]+\]|[0-9.]+")


def address_fault(address: str, locale: str) -> str | None:
    """What is wrong with an e-mail address, as one sentence in `locale`; None where nothing is."""
    fault = _fault(address)
    return fault and say(locale, f"channels.{fault}", address=_shown(address))


def is_address(address: str) -> bool:
    """Whether mail can be sent there at all."""
    return _fault(address) is None


def _fault(address: str) -> str | None:
    if " " in address or not address.isprintable():  # no other blank is printable
        return "address_blank"
    if "＠" in address or "．" in address or "。" in address:
        return "address_full_width"
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        return "address_no_at"
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        return "address_local"
    return None if _domain(domain) else "address_domain"


def domain_refused(address: str, allowed: Collection[str]) -> str:
    """The domain of `address` where it is neither one of those `allowed` nor lies below one, else ""; nothing allowed
    is everything. What has no domain, as @all, is no e-mail address."""
    name, _, domain = address.lower().rpartition("@")
    if not allowed or not name or any(domain == one or domain.endswith(f".{one}") for one in allowed):
        return ""
    return domain


@lru_cache(maxsize=2048)  # an office writes to few domains, thousands of times
def _domain(domain: str) -> str | None:
    """The domain in ASCII (IDNA, RFC 3490), or None where it is no host name; a bare `localhost` is one."""
    if _LITERAL.fullmatch(domain):
        return None
    try:
        plain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    good = len(plain) <= 253 and all(_LABEL.fullmatch(label) for label in plain.split("."))
    return plain if good else None


def _shown(address: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in address)[:80]


@lru_cache(maxsize=2048)
def on_the_wire(address: str) -> str:
    """`address` as SMTP without SMTPUTF8 takes it: 例子.中国 becomes xn--fsqu00a.xn--fiqs8s. ValueError otherwise."""
    local, _, domain = address.rpartition("@")
    plain = _domain(domain)
    if _fault(address) or not plain:
        raise ValueError(f"not an e-mail address: {_shown(address)}")
    return f"{local}@{plain}"


def split_sender(sender: str) -> tuple[str, str]:
    """Display name ("" if none) and address of `整改办 <office@example.org>`. ValueError if it is something else."""
    name, address = parseaddr(sender)
    if any(not c.isprintable() for c in sender) or "=?" in sender or not address:
        raise ValueError('expected a sender such as "整改办 <office@example.org>"')
    if sender.strip() != address and not sender.rstrip().endswith(f"<{address}>"):
        raise ValueError('expected one sender such as "整改办 <office@example.org>"')
    on_the_wire(address)
    return name, address
