"""The office's own message: each working morning if something needs it, each Monday in any case; and notices.

`ledger` and `upkeep` are what it looks at, one function for each section; `morning` when it goes; `notices` what the
office is told at once and once.
"""

from __future__ import annotations

from reminder.briefing.look import Briefing, Look
from reminder.briefing.morning import gathered, matters_of, preview_of, tell

__all__ = ["Briefing", "Look", "gathered", "matters_of", "preview_of", "tell"]
