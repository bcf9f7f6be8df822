"""An account in words: why a rule fired or did not, and what became of it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from reminder.compose import sentence
from reminder.compose.wording import step
from reminder.domain.reminder import Reason
from reminder.explain.account import Account
from reminder.rules.unheard import Unheard
from reminder.words import say

_MERGED = "merged into "  # what `store.holding` writes; a message's number follows
_WHYS = {one: one for one in ("hours", "cap", "guard", "trial")} | {"nothing of it holds any more": "empty"}


def why(account: Account) -> Reason:
    """Why it fired; or, where it did not, why not."""
    return account.reason if account.fired else account.ended_by or account.reason


def step_passed(locale: str, passed: Unheard) -> str:
    """That a step of escalation came while nobody was reminded, will not be repeated, and who was never told."""
    to, key = say(locale, "office.comma").join(passed.to), "step_passed_digest" if passed.in_digest else "step_passed"
    told = {"unit": passed.unit, "step": step(locale, passed.step), "rule": passed.rule, "on": passed.on, "to": to}
    return say(locale, f"measures.{key}", **told)


def result(locale: str, zone: ZoneInfo, account: Account) -> str:
    """What became of it, on the clock of `zone`; empty where the rule did not fire."""
    if not account.fired:
        return ""
    parts = [_to(locale, account)]
    if account.ended_by:
        parts.append(sentence(locale, account.ended_by))
    elif account.state == "held" and account.next_attempt_at:
        until = f"{account.next_attempt_at.astimezone(zone):%Y-%m-%d %H:%M}"
        parts.append(say(locale, "cli.explain_held", at=until, why=why_told(locale, account.why)))
    elif account.state == "held":
        parts.append(why_told(locale, account.why))
    elif account.attempts:
        parts.append(_tried(locale, zone, account))
    elif account.why:
        parts.append(why_told(locale, account.why))
    if account.message:
        parts.append(say(locale, "cli.explain_message", id=account.message))
    return say(locale, "cli.result_joined").join(parts)


def _to(locale: str, account: Account) -> str:
    told = say(locale, "cli.explain_to", recipient=account.recipient, channel=account.channel)
    if account.instead_of:
        told += say(locale, "cli.explain_instead_of", name=account.instead_of)
    for flag, word in ((account.late, "late"), (account.provisional, "provisional")):
        told += say(locale, f"cli.explain_{word}") if flag else ""
    return told


def why_told(locale: str, why: str) -> str:
    """Why a message waits or has ended, as its `why` says: the program's own reasons in words, others as they are."""
    if why.startswith(_MERGED):
        return say(locale, "cli.explain_why_merged", id=why.removeprefix(_MERGED))
    return say(locale, f"cli.explain_why_{_WHYS[why]}") if why in _WHYS else why


def answered(code: str, text: str) -> str:
    """A peer's answer; most name their code in their words."""
    return text if code in text else f"{code} {text}"


def _tried(locale: str, zone: ZoneInfo, account: Account) -> str:
    """The last attempt, and when the next one is."""
    last = account.attempts[-1]
    at = last.at.astimezone(zone)
    day = "" if at.date() == account.day else _day(locale, at)
    if last.outcome == "sent":
        return say(locale, "cli.explain_sent", day=day, time=f"{at:%H:%M:%S}")
    told, n = answered(last.code, last.text), len(account.attempts)
    tried = say(locale, "cli.explain_attempt", day=day, time=f"{at:%H:%M:%S}", n=n, text=told)
    if account.next_attempt_at is None:
        return tried
    return tried + say(locale, "cli.explain_next", at=f"{account.next_attempt_at.astimezone(zone):%Y-%m-%d %H:%M}")


def _day(locale: str, at: datetime) -> str:
    return say(locale, "cli.explain_day_of", month=at.month, day=at.day)
