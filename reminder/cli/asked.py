"""What people name on the command line, looked up; whatever does not exist is refused with the nearest that does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from reminder.cli.common import say

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.rules.rule import Rule, Span

_LENGTH = re.compile(r"(\d{1,5})(d|h|min)")


def unknown(locale: str, what: str, name: str, names: Iterable[str]) -> Exception:
    """The refusal of a name that nothing has, with the nearest one that something does have."""
    from reminder.config.nearest import nearest
    from reminder.errors import UsageError

    meant = nearest(name, names)
    hint = say(locale, "cli.did_you_mean", name=meant) if meant else ""
    return UsageError(say(locale, f"cli.unknown_{what}", name=name) + hint)


def unit_named(app: App, name: str) -> str:
    """The unit called `name`, by its own name or an alias; also one that only the ledger, a duty or a letter knows, and
    the office, which owes and gets things itself."""
    from reminder.domain.people import OFFICE
    from reminder.rules.kinds.duty import DutyRule
    from reminder.store.engine import reading
    from reminder.store.names import addressees, units_named

    names = app.configuration.directory.unit_names()
    if name in names:
        return names[name]
    if name in (OFFICE, app.configuration.office.name):
        return OFFICE
    with reading(app.engine) as session:
        others = [*units_named(session, "responsible"), *addressees(session)]
    for rule in app.configuration.rules:
        others += rule.owed_by if isinstance(rule, DutyRule) else ()
    if name in others:
        return name
    raise unknown(app.configuration.locale, "unit", name, [*names, *others])


def rule_named(app: App, name: str) -> Rule:
    """The rule called `name`."""
    rules = {rule.name: rule for rule in app.configuration.rules}
    if name not in rules:
        raise unknown(app.configuration.locale, "rule", name, rules)
    return rules[name]


def measure_named(app: App, name: str) -> int:
    """The id of the measure with the code `name`, or `ledger/code` where several ledgers have that code."""
    from reminder.errors import UsageError
    from reminder.store.engine import reading
    from reminder.store.names import find_codes

    locale = app.configuration.locale
    with reading(app.engine) as session:
        codes = find_codes(session)
    keys = {(f"{ledger}/{code}" if ledger else code): key for key, ledger, code in codes}
    if name in keys:
        return keys[name]
    meant = {whole: key for whole, key in keys.items() if whole.endswith(f"/{name}")}
    if len(meant) > 1:
        names = say(locale, "cli.comma").join(meant)
        raise UsageError(say(locale, "cli.several_measures", name=name, names=names))
    if not meant:
        raise unknown(locale, "measure", name, keys)
    return next(iter(meant.values()))


def span_asked(locale: str, on: date | None, first: date | None, last: date | None, today: date) -> Span:
    """The days that --on, or --from and --to, ask about; today where nothing is said."""
    from reminder.errors import UsageError
    from reminder.rules.rule import Span

    if on and (first or last):
        raise UsageError(say(locale, "cli.on_or_span"))
    if last and not first:
        raise UsageError(say(locale, "cli.to_needs_from"))
    begin = on or first or today
    end = last or begin
    if end < begin:
        raise UsageError(say(locale, "cli.order_days", first=begin, last=end))
    return Span(begin, end)


def message_ids(locale: str, texts: Sequence[str]) -> list[int]:
    """Message numbers as people quote them from letters: 12 or R-12."""
    from reminder.errors import UsageError

    found = []
    for text in texts:
        match = re.fullmatch(r"(?:[Rr]-)?(\d{1,15})", text.strip())
        if match is None:
            raise UsageError(say(locale, "cli.outbox_bad_id", text=text))
        found.append(int(match[1]))
    return found


def since(app: App, text: str, now: datetime) -> datetime:
    """The instant that "newer than" means: a day's beginning, or so long before `now` (3d, 12h, 30min)."""
    from reminder.errors import UsageError

    if match := _LENGTH.fullmatch(text.strip()):
        n = int(match[1])
        lengths = {"d": timedelta(days=n), "h": timedelta(hours=n), "min": timedelta(minutes=n)}
        return now - lengths[match[2]]
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(say(app.configuration.locale, "cli.outbox_bad_age", text=text)) from None
    return datetime.combine(day, datetime.min.time(), app.configuration.zone)


def headings(locale: str, names: str) -> list[str]:
    """The headings of a table's columns, by their keys."""
    return [say(locale, f"cli.col_{name}") for name in names.split()]


def kind_word(locale: str, kind: str) -> str:
    """A kind of reminder in words; its own name where the words do not know it yet."""
    try:
        return say(locale, f"cli.kind_{kind}")
    except KeyError:
        return kind


def local(app: App, moment: datetime | None) -> str | None:
    """An instant on the office's clock, as ISO 8601 with its offset."""
    return moment.astimezone(app.configuration.zone).isoformat() if moment else None
