"""Names in one table that another must define: units, posts, channels, rules, templates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reminder.config.draft import Draft
from reminder.config.nearest import nearest
from reminder.config.people import PartyKeys
from reminder.config.positions import Loc
from reminder.domain.people import OFFICE
from reminder.resources import data_dir
from reminder.rules.chain import Step
from reminder.rules.kinds.duty import DutyRule
from reminder.rules.kinds.escalation import EscalatingRule
from reminder.rules.kinds.nudge import NudgeRule
from reminder.rules.kinds.report import ReportRule
from reminder.rules.match import Match
from reminder.rules.report_slots import ReportStep
from reminder.rules.rule import Rule

_BODY = ".text.txt"  # the part that every template of a letter has


def check_references(draft: Draft) -> None:
    """Adds a fault for each name that nothing defines, with the nearest that something does."""
    if draft.settings:
        office = draft.settings.office
        _refer_all(draft, "reminder.toml", ("office", "channels"), "channel", office.channels)
        if office.principal:
            _refer_post(draft, "reminder.toml", ("office", "principal"), office.principal)
    for index, unit in draft.units.items():
        _check_party(draft, ("unit", index), unit)
        if unit.leader:
            _refer(draft, "units.toml", ("unit", index, "leader"), "leader", unit.leader)
    for index, leader in draft.leaders.items():
        _check_party(draft, ("leader", index), leader)
        if leader.deputy:
            _refer_post(draft, "units.toml", ("leader", index, "deputy"), leader.deputy)
    for index, rule in draft.rules.items():
        _check_rule(draft, ("rule", index), rule)


def _check_party(draft: Draft, loc: Loc, keys: PartyKeys) -> None:
    _refer_all(draft, "units.toml", (*loc, "channels"), "channel", keys.channels)
    for name in keys.addresses:
        _refer(draft, "units.toml", (*loc, "addresses", name), "channel", name)


def _check_rule(draft: Draft, loc: Loc, rule: Rule) -> None:
    _refer_all(draft, "rules.toml", (*loc, "channels"), "channel", rule.channels)
    _check_to(draft, (*loc, "to"), rule.to)
    steps: tuple[Step | ReportStep, ...] = rule.escalate if isinstance(rule, EscalatingRule | ReportRule) else ()
    for index, step in enumerate(steps):
        _check_to(draft, (*loc, "escalate", index, "to"), step.to)
    _check_owed_by(draft, (*loc, "owed_by"), rule.owed_by if isinstance(rule, DutyRule) else ())
    for key, match in (("match", rule.match), ("except", rule.exclude)):
        _check_match(draft, (*loc, key), match)
    _check_was(draft, loc, rule)
    _check_ride(draft, loc, rule)
    _check_template(draft, loc, rule)


def _check_to(draft: Draft, loc: Loc, to: Iterable[str]) -> None:
    for index, entry in enumerate(to):
        kind, colon, name = entry.partition(":")
        if colon:
            _refer(draft, "rules.toml", (*loc, index), kind, name)
        elif entry == "principal" and draft.settings and draft.settings.office.principal is None:
            draft.sources["rules.toml"].report((*loc, index), "no_principal", severity="warning")


def _check_owed_by(draft: Draft, loc: Loc, names: Iterable[str]) -> None:
    """Whoever is no unit is answered for by the office: a warning, because bodies outside may be meant."""
    known = draft.names["unit"]
    for index, name in enumerate(names):
        if known is not None and name != OFFICE and known.get(name) != name:
            meant = known.get(name) or nearest(name, known)
            shown = meant and known[meant]
            draft.sources["rules.toml"].report((*loc, index), "owed_unknown", severity="warning", meant=shown, got=name)


def _check_match(draft: Draft, loc: Loc, match: Match) -> None:
    _refer_all(draft, "rules.toml", (*loc, "unit"), "unit", match.unit)
    _refer_all(draft, "rules.toml", (*loc, "leader"), "leader", match.leader)


def _check_was(draft: Draft, loc: Loc, rule: Rule) -> None:
    """The old name must be free, and only one rule can have had it."""
    earlier = (other.was for index, other in draft.rules.items() if index < int(loc[1]))
    if rule.was and (rule.was in (draft.names["rule"] or ()) or rule.was in earlier):
        draft.sources["rules.toml"].report((*loc, "was"), "was_taken", got=rule.was)


def _check_ride(draft: Draft, loc: Loc, rule: Rule) -> None:
    if rule.ride is None or draft.names["rule"] is None:
        return
    nudges = {other.name for other in draft.rules.values() if isinstance(other, NudgeRule)} - {rule.name}
    source, known = draft.sources["rules.toml"], {other.name for other in draft.rules.values()}
    if rule.ride in known - nudges:
        source.report((*loc, "ride"), "ride_not_nudge", got=rule.ride)
    elif rule.ride not in draft.names["rule"]:
        source.report((*loc, "ride"), "unknown_rule", meant=nearest(rule.ride, nudges), got=rule.ride)


def _check_template(draft: Draft, loc: Loc, rule: Rule) -> None:
    known = templates(draft.folder, draft.locale)
    if rule.template is not None and rule.template not in known:
        meant = nearest(rule.template, known)
        draft.sources["rules.toml"].report((*loc, "template"), "unknown_template", meant=meant, got=rule.template)


def templates(folder: Path, locale: str) -> set[str]:
    """The names of all templates of letters: the built-in ones and those in `folder`/templates."""
    places = (data_dir("templates") / locale, folder / "templates" / locale, folder / "templates")
    return {path.name.removesuffix(_BODY) for place in places for path in place.glob(f"*{_BODY}")}


def _refer_all(draft: Draft, file: str, loc: Loc, kind: str, names: Iterable[str]) -> None:
    for index, name in enumerate(names):
        _refer(draft, file, (*loc, index), kind, name)


def _refer(draft: Draft, file: str, loc: Loc, kind: str, name: str) -> None:
    """A fault unless a table of `kind` is called `name`. Posts may be called by an alias, units only by their name."""
    names = draft.names[kind]
    if names is None or names.get(name) == name or (kind == "leader" and name in names):
        return
    meant = names.get(name) or nearest(name, names)
    draft.sources[file].report(loc, f"unknown_{kind}", meant=meant and names[meant], got=name)


def _refer_post(draft: Draft, file: str, loc: Loc, title: str) -> None:
    """A warning unless a post is called so: the office answers for it, as for every post that cannot be reached."""
    known = draft.names["leader"]
    if known is None or title in known:
        return
    meant = nearest(title, known)
    draft.sources[file].report(loc, "post_unknown", severity="warning", meant=meant and known[meant], got=title)
