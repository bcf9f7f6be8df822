"""What no file can be asked alone: names that the others must know, and rules that could never fire."""

from __future__ import annotations

from reminder.config.days import check_calendar
from reminder.config.draft import Draft, labels
from reminder.config.reach import check_reach
from reminder.config.references import check_references
from reminder.domain.measure import OPEN, DeadlineKind
from reminder.domain.people import OFFICE
from reminder.domain.reminder import ReminderKind
from reminder.rules.kinds.report import ReportRule
from reminder.rules.match import Match
from reminder.rules.rule import Rule

_COUNTED = frozenset({ReminderKind.BEFORE, ReminderKind.DUE, ReminderKind.OVERDUE, ReminderKind.PACE})


def cross_check(draft: Draft) -> None:
    """Adds to the sources of `draft` every fault that shows only when the files are read together."""
    _check_twice(draft)
    check_references(draft)
    check_calendar(draft)
    check_reach(draft)
    for index, rule in draft.rules.items():
        _check_rule(draft, index, rule)
    if draft.settings:
        at, hours = draft.settings.office.message_at, draft.settings.sending.hours
        if not hours.opens <= at <= hours.closes:
            said = f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"
            place = ("office", "message_at")
            draft.office.report(place, "message_outside_hours", severity="warning", at=f"{at:%H:%M}", hours=said)


def _check_twice(draft: Draft) -> None:
    """A name or alias that two tables claim, and one that the service itself uses."""
    for file, key, name in (
        ("rules.toml", "rule", "name"),
        ("units.toml", "unit", "name"),
        ("units.toml", "leader", "title"),
    ):
        source, owners = draft.sources[file], dict[str, tuple[object, str]]()
        for loc, label, own in labels(source, key, name):
            table, other = owners.setdefault(label, (loc[1], own))
            if label == OFFICE:
                source.report(loc, "reserved", got=label)
            elif table != loc[1]:
                source.report(loc, "twice", got=label, other=other)


def _check_rule(draft: Draft, index: int, rule: Rule) -> None:
    source, loc = draft.sources["rules.toml"], ("rule", index)
    if (key := _excludes_all(rule.match, rule.exclude)) is not None:
        source.report((*loc, "except", key), "never_matches")
    for key, unused in (("match", rule.match), ("except", rule.exclude)):
        if not (rule.about_measures or unused.empty):
            source.report((*loc, key), "match_unused", kind=rule.kind, name=key)
    if ReminderKind.LOOK_BACK not in rule.kinds and rule.match.status and not OPEN.intersection(rule.match.status):
        source.report((*loc, "match", "status"), "never_open")
    if _COUNTED.intersection(rule.kinds) and not _counts_down(draft, rule):
        place = "match" if rule.match.deadline else "except"
        source.report((*loc, place, "deadline"), "never_counted", kind=rule.kind)
    if draft.settings is None:
        return
    started, hours = draft.settings.office.started_on, draft.settings.sending.hours
    if started and rule.until and rule.until < started:
        source.report((*loc, "until"), "never_begins", until=rule.until, started=started)
    if not isinstance(rule, ReportRule) and not hours.opens <= rule.at <= hours.closes:
        source.report((*loc, "at"), "outside_hours", severity="warning", at=f"{rule.at:%H:%M}", opens=hours.opens)


def _excludes_all(match: Match, exclude: Match) -> str | None:
    """The key by which `exclude` takes away all that `match` lets in; None where something is left."""
    given = {name: value for name, value in exclude if value not in ((), None)}
    for name, unwanted in given.items():
        wanted = getattr(match, name)
        covered = set(wanted) <= set(unwanted) if isinstance(unwanted, tuple) and wanted else wanted == unwanted
        if not covered or wanted in ((), None):
            return None
    return next(iter(given), None)


def _counts_down(draft: Draft, rule: Rule) -> bool:
    """Whether a rule about deadlines is left with any kind of deadline that is counted down."""
    counted = {DeadlineKind.DATE}
    if draft.settings is None or _any_immediate(draft):
        counted.add(DeadlineKind.IMMEDIATE)
    wanted = counted.intersection(rule.match.deadline) if rule.match.deadline else counted
    alone = rule.exclude == Match(deadline=rule.exclude.deadline)  # else it excludes only some of them
    return bool(wanted - set(rule.exclude.deadline if alone else ()))


def _any_immediate(draft: Draft) -> bool:
    ledger = draft.settings.ledger if draft.settings else None
    return bool(ledger and any(book.immediate_within for book in (ledger, *ledger.book.values())))
