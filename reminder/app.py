"""The composition root: configuration, database and channels put together. The only reader of the clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from reminder.channels import CHANNELS, open_channel
from reminder.channels.secret import revealed
from reminder.compose import TemplateFault, check_templates
from reminder.config.configuration import Configuration
from reminder.config.digest import digest_of
from reminder.config.directory import takes_email
from reminder.config.load import load
from reminder.config.record import Era, as_record, present
from reminder.cycle.preview import Plans
from reminder.cycle.service import Service, Transport
from reminder.domain.people import OFFICE
from reminder.domain.reminder import Reminder
from reminder.errors import UsageError
from reminder.ledger.rows import ReadSettings
from reminder.plan import asks, channels_used, occasions, occasions_by_parts, sees
from reminder.rules.rule import Facts, Rule, Span
from reminder.scan import portions, scan
from reminder.store.engine import open_engine, reading, require_current, upgrade, writing
from reminder.store.marker import marker_of
from reminder.store.memory import let_go
from reminder.store.messages import channels_waiting

# Imported where they are needed: the tables behind links, sign-ins and evidence are 0.5 MB that a daemon without pages
# would carry for years.
if TYPE_CHECKING:
    from reminder.gate.links import Links


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class App:
    """One configuration and its database, and what the edges ask of them. A `scratch` database has no guards."""

    configuration: Configuration
    engine: Engine
    scratch: bool = False

    def today(self, moment: datetime | None = None) -> date:
        """The office's local day at `moment`, else now."""
        return (moment or now()).astimezone(self.configuration.zone).date()

    def service(self) -> Service:
        """What a cycle works with."""
        configuration = self.configuration
        office, sending = configuration.office, configuration.sending
        channels = {
            name: partial(open_channel, name, keys, configuration.folder)
            for name, keys in configuration.channels.items()
        }
        return Service(
            engine=self.engine,
            rules=configuration.rules,
            directory=configuration.directory,
            practice=configuration.practice,
            hours=sending.hours,
            most_per_day=sending.max_per_recipient_per_day,
            channels=channels,
            locale=configuration.locale,
            office_name=office.name,
            contact=office.contact,
            reply_to=office.email,
            domain=office.email[0].rpartition("@")[2],
            templates=templates_folder(configuration),
            redirect_to=sending.redirect_to,
            trial_channel=self._trial_channel() if sending.redirect_to else "",
            allow_domains=sending.allow_domains,
            keep_years=configuration.store.keep_years,
            links=self._links(),
            record=as_record(configuration),
            message_at=office.message_at,
            marker=None if self.scratch else marker_of(self.engine, configuration.folder),
            transport=self._transport(),
        )

    def _transport(self) -> Transport | None:
        if self.scratch or self.configuration.engine.kind == "outbox":
            return None
        from reminder.cycle.jobs import Procrastination  # noqa: PLC0415 - an extra

        conninfo = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return Procrastination(conninfo, frozenset(self.configuration.channels))

    def _links(self) -> Links | None:
        address = self.configuration.office.public_url
        if not address:
            return None
        from reminder.gate.links import Links  # noqa: PLC0415 - see above

        return Links(address, self.key)

    @cached_property
    def key(self) -> str:
        """The secret behind links and forms: the configured one, else the one kept in the database."""
        web = self.configuration.web
        if web is not None and web.key is not None:
            return web.key.reveal(self.configuration.folder)
        from reminder.gate.key import kept_key, stored_key  # noqa: PLC0415 - see above

        with reading(self.engine) as session:
            known = kept_key(session)
        if known:
            return known
        with writing(self.engine) as session:
            return stored_key(session)

    def digest(self) -> str:
        """What tells two configurations apart that would work differently."""
        return digest_of(self.configuration, templates_folder(self.configuration))

    def ping_url(self) -> str:
        """The page outside that is called after each good cycle, "" where there is none. UsageError where its secret
        is not set."""
        url = self.configuration.watchdog.ping_url
        return revealed(url, self.configuration.folder) if url else ""

    def _trial_channel(self) -> str:
        for name, keys in self.configuration.channels.items():
            if takes_email(keys.kind):
                return name
        raise UsageError(
            "sending.redirect_to 需要 channels.toml 里有一个电子邮件渠道 · a channel for e-mail addresses is needed"
        )

    def read_settings(self, ledger: str, as_of: date) -> ReadSettings:
        """How the workbook of `ledger` is read."""
        how = self.configuration.reading(ledger)
        within = how.immediate_within
        return ReadSettings(
            locale=self.configuration.locale,
            as_of=as_of,
            dated=how.dated,
            default_year=how.default_year,
            immediate_within=f"{within.n}{'wd' if within.working else ''}" if within else None,
            columns=how.columns,
            statuses=how.statuses,
            unit_names=self.configuration.directory.unit_names(),
            calendar=self.configuration.practice.calendar,
        )

    def facts(
        self,
        span: Span,
        rules: Sequence[Rule] | None = None,
        era: Era | None = None,
        units: Collection[str] = (),
    ) -> Facts:
        """The ledger as the rules (of `era`, else today's) have to see it for these days."""
        era = era or present(self.configuration)
        asking = era.rules if rules is None else rules
        wanted = asks(asking, span, era.practice)
        with reading(self.engine) as session:
            return scan(session, wanted, sees(asking), era.directory, span.first, units)

    def plan(self, span: Span, units: Collection[str] = ()) -> list[Reminder]:
        """Everything that goes on these days; with `units` what the measures cause in which one of these names stands.
        Disregards when measures were imported; stores and sends nothing."""
        return [reminder for reminder in self.occasions(span, units=units) if reminder.firing.skipped is None]

    def occasions(self, span: Span, era: Era | None = None, units: Collection[str] = ()) -> list[Reminder]:
        """The same with those that are skipped, by a silence or because there is no working day for them."""
        era = era or present(self.configuration)
        return occasions(self.facts(span, era=era, units=units), era.rules, era.directory, era.practice, span)

    def plans(self, unit: str) -> Plans:
        """How to find what goes to a unit: by its own measures, unless a rule tells it of all."""
        configuration = self.configuration
        if unit == OFFICE or any(f"unit:{unit}" in rule.entries() for rule in configuration.rules):
            return Plans(self.plan, self.plan)
        known = configuration.directory.units.get(unit)
        names = (unit, *(known.aliases if known else ()))
        return Plans(partial(self.plan, units=names), self.plan)

    def planned(self, span: Span) -> Iterator[Reminder]:
        """As `plan`, in no order: read in parts, so that a country's ledger need not fit into memory."""
        present_day = present(self.configuration)
        rules, directory, practice = present_day.rules, present_day.directory, present_day.practice
        with reading(self.engine) as session:
            asked = [replace(ask, outlined=False) for ask in asks(rules, span, practice)]  # a plan shows their codes
            parts = portions(session, asked, sees(rules), directory, span.first)
            for some in occasions_by_parts(parts, rules, directory, practice, span):
                yield from (one for one in some if one.firing.skipped is None)

    def service_into(self, maildir: Path) -> Service:
        """The same, but everything lands in one maildir whatever its channel: nothing leaves this machine."""
        keys = CHANNELS["maildir"].Keys.model_validate(
            {"kind": "maildir", "path": str(maildir.absolute()), "sender": self._sender()}
        )
        open_files = partial(open_channel, "maildir", keys, self.configuration.folder)
        return replace(self.service(), channels=dict.fromkeys(self.configuration.channels, open_files))

    def _sender(self) -> str:
        office = self.configuration.office
        return f"{office.name} <{office.email[0]}>"

    @contextmanager
    def scratch_copy(self) -> Iterator[App]:
        """The same application on a copy of its database that is thrown away afterwards."""
        from reminder.store.copying import copy_database  # noqa: PLC0415 - see above

        with TemporaryDirectory(prefix="reminder-") as scratch:
            engine = open_engine(f"sqlite:///{scratch}/copy.db")
            try:
                copy_database(self.engine, engine)
                with writing(engine) as session:
                    let_go(session, now())  # no guard holds a simulation
                yield App(self.configuration, engine, scratch=True)
            finally:
                engine.dispose()

    def real_channels(self) -> list[str]:
        """The channels in use by which something could leave this machine: also by a message that waits already."""
        configuration = self.configuration
        with reading(self.engine) as session:
            used = channels_waiting(session) | channels_used(configuration.rules, configuration.directory)
        channels = configuration.channels.items()
        return [name for name, keys in channels if name in used and CHANNELS[keys.kind].leaves_machine]


def templates_folder(configuration: Configuration) -> Path:
    """Where the office keeps its own templates; they win over the built-in ones file by file."""
    return configuration.folder / "templates"


def faulty_templates(configuration: Configuration) -> list[TemplateFault]:
    """What is wrong with the templates that letters would be written by, each rendered with samples."""
    own = templates_folder(configuration)
    names = sorted({rule.template for rule in configuration.rules if rule.template})
    return check_templates(own if own.is_dir() else None, configuration.locale, names)


def open_app(folder: Path, *, create: bool = False) -> App:
    """The application of the configuration in `folder`. With `create` the database is made or brought up to date.

    Raises:
        ConfigurationFaults: the configuration cannot be used.
        StoreMissing, UsageError: there is no database, or it is not up to date (without `create`).
    """
    configuration = load(folder)
    engine = open_engine(configuration.database_url)
    try:
        if create:
            marker = marker_of(engine, folder)
            if upgrade(engine) and marker:
                marker.forget()  # of a database that is gone
        else:
            require_current(engine)
        jobs_kept(configuration, engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    return App(configuration, engine)


def jobs_kept(configuration: Configuration, engine: Engine, *, create: bool = False) -> None:
    """Where deliveries travel as jobs: whether the database can keep them; with `create` it is made able to.

    Raises:
        UsageError: it is no PostgreSQL, the extra is not installed, or the tables are missing, old or somebody else's.
    """
    if configuration.engine.kind == "outbox":
        return
    if engine.dialect.name != "postgresql":
        raise UsageError(
            'reminder.toml: engine.kind: "procrastinate" 需要 PostgreSQL，请改 [store] url · '
            "it needs PostgreSQL: set [store] url"
        )
    try:
        from reminder.store import job_schema  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as fault:
        raise UsageError(
            "reminder.toml: engine.kind: 缺少 procrastinate，请运行 pip install '.[procrastinate]' · "
            "it is not installed: install that extra"
        ) from fault
    job_schema.prepare(engine) if create else job_schema.require_ready(engine)
