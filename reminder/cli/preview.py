"""`reminder preview`: the message exactly as it would go. Sends and stores nothing."""

from __future__ import annotations

import json
import sys
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reminder.cli.asked import rule_named, unit_named
from reminder.cli.common import open_app, parse_day, say
from reminder.domain.people import OFFICE

if TYPE_CHECKING:
    from reminder.app import App
    from reminder.channels.base import Channel
    from reminder.cycle.preview import Preview
    from reminder.rules.rule import Rule

_MOST_REASONS = 8


class Format(StrEnum):
    """How a message is shown."""

    TEXT = "text"
    HTML = "html"
    EML = "eml"
    JSON = "json"


def preview(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="规则 · A rule.", metavar="RULE")],
    unit: Annotated[str, typer.Argument(help="单位 · A unit.", metavar="UNIT")],
    on: Annotated[
        date | None,
        typer.Option("--on", parser=parse_day, metavar="DATE", help="哪一天，默认下一次 · Default: the next time."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="样式 · text, html, eml or json.")] = Format.TEXT,
) -> None:
    """将发的信，原样 · The message exactly as it would go."""
    from reminder.cycle.preview import next_together
    from reminder.cycle.preview import preview as rendered

    app = open_app(context)
    if rule == OFFICE:
        _print_own(app, on, form)
        return
    asked, name = rule_named(app, rule), unit_named(app, unit)
    together = next_together(app.plans(name), asked.name, name, on or app.today(), on)
    if not together:
        _say_why_not(app, asked, name, on)
        raise typer.Exit(1)
    service = app.service()
    channel = service.channels[service.trial_channel or together[0].channel]()
    try:
        _print(app, channel, rendered(service, channel, together), form)
    finally:
        channel.close()


def _print_own(app: App, on: date | None, form: Format) -> None:
    """The office's own message of a morning."""
    from functools import partial

    from reminder.briefing import preview_of
    from reminder.compose import compose_office
    from reminder.cycle.preview import preview_own
    from reminder.store.engine import reading

    service, locale = app.service(), app.configuration.locale
    day = on or app.today()
    with reading(app.engine) as session:
        matters, in_full, at = preview_of(session, service.briefing, day)
    if not matters:
        typer.echo(say(locale, "briefing.nothing", day=day), err=True)
        raise typer.Exit(1)
    office = service.directory.office
    name = service.trial_channel or next(iter(office.reachable(office.channels) or office.addresses))
    channel = service.channels[name]()
    try:
        write = partial(compose_office, matters, in_full=in_full)
        _print(app, channel, preview_own(service, channel, name, write, at), form)
    finally:
        channel.close()


def _print(app: App, channel: Channel, found: Preview, form: Format) -> None:
    """The letter for reading; eml and json byte for byte as the channel sends them."""
    letter = found.letter
    if form is Format.TEXT:
        _print_head(app, found)
        sys.stdout.write(letter.text)
    elif form is Format.HTML:
        sys.stdout.write(letter.html)
    elif form is Format.EML:
        _refuse_other_than_mail(app, channel)
        typer.get_binary_stream("stdout").write(found.payload)
    elif _sends_json(channel):
        typer.get_binary_stream("stdout").write(found.payload + b"\n")
    else:
        facts = {"subject": letter.subject, "brief": letter.brief, **letter.data}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")


def _print_head(app: App, found: Preview) -> None:
    locale = app.configuration.locale
    if not found.reminders:
        sys.stdout.write(say(locale, "cli.preview_subject", subject=found.letter.subject) + "\n\n")
        return
    first = found.reminders[0]
    reached = app.service().redirect_to or app.service().party(first.recipient).addresses.get(first.channel, ())
    where = say(locale, "cli.comma").join(reached) or "-"
    at = min(reminder.firing.at for reminder in found.reminders)
    typer.echo(
        say(locale, "cli.preview_to", recipient=first.recipient, channel=first.channel, addresses=where), err=True
    )
    typer.echo(say(locale, "cli.preview_at", at=f"{at:%Y-%m-%d %H:%M}"), err=True)
    sys.stdout.write(say(locale, "cli.preview_subject", subject=found.letter.subject) + "\n\n")


def _sends_json(channel: Channel) -> bool:
    from reminder.channels.http_channel import HttpChannel

    return isinstance(channel, HttpChannel)


def _refuse_other_than_mail(app: App, channel: Channel) -> None:
    from reminder.errors import UsageError

    if _sends_json(channel):
        raise UsageError(say(app.configuration.locale, "cli.preview_not_mail", channel=channel.name))


def _say_why_not(app: App, rule: Rule, unit: str, on: date | None) -> None:
    """The reasons for which the rule says nothing to the unit, each once."""
    from reminder.compose import sentence
    from reminder.store.engine import reading
    from reminder.store.measures import load_measures

    configuration = app.configuration
    locale, day = configuration.locale, on or app.today()
    with reading(app.engine) as session:
        measures = [measure for measure in load_measures(session) if unit in measure.units]
    when = f"{on}" if on else say(locale, "cli.preview_coming_days")
    typer.echo(say(locale, "cli.preview_nothing", rule=rule.name, days=when, unit=unit), err=True)
    if not rule.about_measures:
        nothing = say(locale, "cli.preview_nothing_owed", unit=unit, rule=rule.name)
        for why in _reasons_beside(app, rule, unit, day) or [nothing]:
            typer.echo(f"  {why}", err=True)
        return
    reasons: dict[str, list[str]] = {}
    for measure in measures:
        why = sentence(locale, rule.why_not(measure, unit, day, configuration.practice))
        reasons.setdefault(why, []).append(measure.key)
    for why, keys in list(reasons.items())[:_MOST_REASONS]:
        typer.echo(f"  {say(locale, 'cli.comma').join(keys[:_MOST_REASONS])}: {why}", err=True)
    if not measures:
        typer.echo(f"  {say(locale, 'cli.preview_nothing_open', unit=unit, rule=rule.name)}", err=True)


def _reasons_beside(app: App, rule: Rule, unit: str, day: date) -> list[str]:
    """The same of a rule that is about no measure, as `explain` has them."""
    from reminder.compose import sentence
    from reminder.explain import Question, explain
    from reminder.explain.sentences import why
    from reminder.past import houses
    from reminder.rules.rule import Span

    asked = Question(span=Span(day, day), measures=(), units=frozenset({unit}), rule=rule.name)
    accounts = [one for _, house in houses(app, asked.span) for one in explain(app.engine, house, asked)]
    return list(dict.fromkeys(sentence(app.configuration.locale, why(account)) for account in accounts))
