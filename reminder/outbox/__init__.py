"""The outbox: put, claim, fix, settle. Why nothing is sent twice and nothing is lost.

A reminder is unique by (rule, subject, occasion, unit, recipient, channel). A message is claimed by one conditional
UPDATE under a lease; its identity and bytes are fixed, and its attempt counted, before the try; it is settled after.
"""

from __future__ import annotations

from reminder.outbox.attempt import Settled, Start, Written, begin_attempts, deadly, doubtful, settle, tried_since
from reminder.outbox.gather import put
from reminder.outbox.lease import (
    LEASE,
    Claimed,
    cancel,
    cancel_reminder,
    claim,
    due,
    due_channels,
    fail,
    give_back,
    is_ours,
    new_token,
    release,
    way_of,
)

__all__ = [
    "LEASE",
    "Claimed",
    "Settled",
    "Start",
    "Written",
    "begin_attempts",
    "cancel",
    "cancel_reminder",
    "claim",
    "deadly",
    "doubtful",
    "due",
    "due_channels",
    "fail",
    "give_back",
    "is_ours",
    "new_token",
    "put",
    "release",
    "settle",
    "tried_since",
    "way_of",
]
