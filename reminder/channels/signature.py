"""Standard Webhooks 1.0.0: the id, the instant and the signature that let a receiver trust and de-duplicate."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime

PREFIX = "whsec_"


def webhook_id(message_id: str) -> str:
    """The part of the message id before the "@", the same on every attempt. ValueError where it holds a ".", which
    the standard keeps for itself."""
    name = message_id.partition("@")[0]
    if not name or "." in name:
        raise ValueError(f"not a webhook id: {name!r}")
    return name


def signed(message_id: str, at: datetime, body: bytes, secret: str) -> dict[str, str]:
    """The three headers for an attempt at the instant `at` (aware), as whole seconds.

    `secret` is `whsec_…` or several of them with blanks between, all valid while the receiver changes over; empty:
    no signature. ValueError for anything else.
    """
    if at.tzinfo is None:
        raise ValueError("the instant of an attempt must be aware")
    name, seconds = webhook_id(message_id), str(int(at.timestamp()))
    headers = {"webhook-id": name, "webhook-timestamp": seconds}
    if secret:
        content = f"{name}.{seconds}.".encode() + body
        headers["webhook-signature"] = " ".join(_v1(content, each) for each in secret.split())
    return headers


def _v1(content: bytes, secret: str) -> str:
    return "v1," + base64.b64encode(hmac.digest(_key(secret), content, "sha256")).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError(f"a signing secret starts with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"what follows {PREFIX} is not base64") from error
    if not key:
        raise ValueError(f"nothing follows {PREFIX}")
    return key
