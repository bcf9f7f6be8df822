"""A whole office lived day by day against the oracle: real acts, real store, real cycles, a channel that takes notes.

Whatever is done to the office is done to the oracle's world as well, so that after every cycle it can be asked what
should stand in the outbox. `Office.check` says what is wrong.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, col, select

from reminder.channels.base import Channel, ChannelKeys
from reminder.cycle import Service, run
from reminder.domain.message import Envelope, Letter, Receipt
from reminder.errors import Passing
from reminder.office import silences
from reminder.office.act import Office as Acting
from reminder.office.reports import Report, record_report
from reminder.rules.hours import SendingHours
from reminder.store.engine import open_engine, reading, upgrade, writing
from reminder.store.memory import recall
from reminder.store.outbox_tables import MessageRow, ReminderRow
from reminder.store.tables import MeasureRow
from tests.integration.office.desk import Desk, row
from tests.makers import SHANGHAI
from tests.rig import oracle, program, worlds
from tests.rig.days import DAY, chased, standing, week_of
from tests.rig.oracle import Fact

BEGINS = date(2021, 9, 6)  # a Monday; the long holidays of autumn lie ahead
UNITS = ["甲局", "乙局"]
MOST_PER_DAY = 2
NAMED_STATES = {"sent", "failed", "skipped", "superseded", "cancelled"}
WAITING = {"pending", "held", "retrying", "sending", "unknown"}


class Killed(BaseException):
    """The process was killed here."""


@dataclass
class Post:
    """Everything that left: by message id the bytes, and each first letter with its day. `mood` is how sends end."""

    mood: str = "ok"
    bytes_of: dict[str, set[bytes]] = field(default_factory=dict)
    letters: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)


class Notes(Channel):
    """A channel that takes notes of what it is given, and fails as it is told to."""

    Keys = ChannelKeys
    leaves_machine = False

    def __init__(self, post: Post) -> None:
        super().__init__("mail", ChannelKeys(kind="notes"), Path())
        self.post = post

    @classmethod
    def address_fault(cls, address: str, locale: str = "zh_CN") -> str | None:
        return None

    def render(self, letter: Letter, envelope: Envelope) -> bytes:
        told = {name: letter.data[name] for name in ("measures", "reports")}
        return json.dumps({"to": envelope.recipient, **told}, default=str, sort_keys=True).encode()

    def send(self, payload: bytes, envelope: Envelope, now: datetime) -> Receipt:
        if envelope.message_id not in self.post.bytes_of:
            self.post.letters.append((now, json.loads(payload)))
        self.post.bytes_of.setdefault(envelope.message_id, set()).add(payload)
        if self.post.mood == "refuses":
            raise Passing("busy", code="451")
        if self.post.mood == "no answer":
            raise Passing("no answer", accepted_unknown=True)
        return Receipt("250", "ok")


class Office:
    """One office; `now` is its clock. `world` is what the oracle knows of it."""

    def __init__(self, folder: Path, rules: list[dict[str, Any]], template: Path | None = None) -> None:
        self.file = folder / "reminder.db"
        if template:
            shutil.copyfile(template, self.file)
        self.now, self.last, self.post = datetime.combine(BEGINS, time(7), SHANGHAI), None, Post()
        rest = {day for n in range(-60, 400) if worlds._rests("cn", day := BEGINS + n * DAY)}
        self.world: oracle.World = {
            "base": "cn", "covered": None, "rest": rest, "off": set(), "work": set(), "started_on": None,
            "outside": set(), "leaders": {"甲局": "甲领导"}, "principal": None, "deputies": {},
            "reached": {"office", "甲领导", *worlds.UNITS}, "measures": [], "rules": rules,
            "reports": {}, "letters": [], "done": [], "silences": [],
        }  # fmt: skip
        self.settled = {"rules": [], "codes": set()}  # what the last cycle knew
        self.wrong: list[str] = []
        self.open()

    def open(self) -> None:
        """Starts the service, anew after a crash."""
        self.engine = open_engine(f"sqlite:///{self.file}")
        upgrade(self.engine)
        self.desk = Desk(self.engine)
        self.configure()

    def configure(self) -> None:
        self.service = Service(
            engine=self.engine,
            rules=tuple(program.rules(self.world)),
            directory=program.directory(self.world),
            practice=program.practice(self.world),
            hours=SendingHours(time(8, 30), time(18)),
            most_per_day=MOST_PER_DAY,
            channels={"mail": lambda: Notes(self.post)},
            locale="zh_CN",
            office_name="巡察整改办",
            domain="example.org",
        )

    @property
    def today(self) -> date:
        return self.now.date()

    # --- what people do

    def imports(self, *measures: tuple[str, date, str]) -> None:
        """The workbook with (code, deadline, unit) added to what it held before."""
        for code, deadline, unit in measures:
            fresh = dict.fromkeys(["leader", "percent", "progress_on"]) | {"aspect": "", "problem": "", "ledger": ""}
            fresh |= {"tags": [], "standing": False, "blocked": False, "confirmed": True, "supporting": []}
            fresh |= {"code": code, "kind": "date", "deadline": deadline, "units": [unit], "status": "in_progress"}
            fresh |= {"changes": [], "answers": [], "look_backs": [], "dated": BEGINS, "first_deadline": deadline}
            self.world["measures"].append(fresh | {"known_on": self.today})
        cells = [
            row(m["code"], f"措施{m['code']}", units=m["units"][0], deadline=str(m["first_deadline"]), status="推进中")
            for m in self.world["measures"]
        ]
        self.desk.imports(*cells, as_of=self.today, dated=BEGINS, settings={"dated": BEGINS})

    def acts(self, name: str, code: str, **facts: Any) -> None:
        """The act, where the measure's status allows it; the oracle's world follows."""
        measure, today = self.measure(code), self.today
        stands = standing(measure, today)
        possible = {"claim": "in_progress", "return": "claimed", "progress": "in_progress", "extend": "in_progress"}
        possible |= {"suspend": "in_progress", "reopen": "written_off", "write_off": "in_progress claimed"}
        if stands not in possible[name]:
            return
        self.desk.does(name, code, on=today, **facts)
        moves = {"claim": "claimed", "return": "in_progress", "write_off": "written_off", "suspend": "suspended"}
        if to := (moves | {"reopen": "in_progress"}).get(name):
            measure["changes"] = [change for change in measure["changes"] if change[0] <= today] + [(today, to)]
        if name == "suspend":
            measure["changes"].append((facts["until"], "in_progress"))
        if name in ("claim", "progress"):
            measure["answers"] = sorted({*measure["answers"], today})
        if name == "progress":
            measure["progress_on"] = today
        if name == "extend":
            measure["deadline"] = facts["to"]
        measure["status"] = measure["changes"][-1][1] if measure["changes"] else "in_progress"

    def reports(self, unit: str) -> None:
        week = week_of(self.today)
        self.world["reports"].setdefault((unit, week), self.now.replace(tzinfo=None))
        with writing(self.engine) as session:
            record_report(session, Report(unit=unit, week=week, submitted_at=self.now), SHANGHAI)

    def silences(self, days: int, **target: str) -> None:
        until = self.today + days * DAY
        order = {"unit": target.get("unit"), "rule": target.get("rule"), "since": self.today, "until": until}
        self.world["silences"].append({**order, "measure": target.get("measure"), "ended_on": None})
        with writing(self.engine) as session:
            if "measure" in target:
                code = MeasureRow.code == target["measure"]
                order["measure_id"] = session.exec(select(MeasureRow.id).where(code)).one()
            silences.add(session, silences.Order(**order, because="专班封闭办公"), Acting(now=self.now, zone=SHANGHAI))

    def edits(self, rules: list[dict[str, Any]]) -> None:
        self.world["rules"] = rules
        self.configure()

    # --- the service

    def cycle(self) -> None:
        """One cycle now, and what it must have done."""
        known = {r.id for r in self.rows(ReminderRow)}
        run(self.service, lambda: self.now)
        self.check(known)
        self._settle()

    def _settle(self) -> None:
        self.last = self.now
        self.settled = {"rules": self.world["rules"], "codes": {m["code"] for m in self.world["measures"]}}

    def killed(self, owner: object, name: str, nth: int) -> None:
        """A cycle that is killed at the `nth` call of a function: whatever it left undone is not tidied up."""
        honest, calls = getattr(owner, name), Counter[str]()

        def dying(*arguments: Any, **named: Any) -> Any:
            calls["n"] += 1
            if calls["n"] >= nth:
                event.listen(self.engine, "begin", _no_more)
                raise Killed
            return honest(*arguments, **named)

        setattr(owner, name, dying)
        try:
            run(self.service, lambda: self.now)
        except Killed:
            pass
        finally:
            setattr(owner, name, honest)
        self._check_letters()  # what went before it died is judged by what was known then
        self.engine.dispose()
        self.open()
        with reading(self.engine) as session:
            if recall(session).last_at == self.now:  # it had answered before it died
                self._settle()

    def close(self) -> None:
        self.engine.dispose()

    # --- what must hold

    def check(self, known: set[int | None]) -> None:
        """What is wrong after a cycle goes to `wrong`."""
        rows, messages = self.rows(ReminderRow), {m.id: m for m in self.rows(MessageRow)}
        keys = Counter((r.rule, r.subject, r.occasion, r.unit, r.recipient, r.channel) for r in rows)
        self.wrong += [f"twice: {key}" for key, n in keys.items() if n > 1]
        new = [r for r in rows if r.id not in known and r.message_pk]
        catch_up = Counter((r.rule, r.subject, r.unit, r.recipient) for r in new)
        self.wrong += [f"caught up more than once: {key}" for key, n in catch_up.items() if n > 1]
        for r in rows:
            state = r.outcome or (messages[r.message_pk].state if r.message_pk in messages else "none")
            if state not in NAMED_STATES | WAITING:
                self.wrong.append(f"{state} is no state: {r}")
        self._check_plan(rows, new)
        self._check_sent(rows, messages)
        self._check_letters()

    def _check_plan(self, rows: list[Any], new: list[Any]) -> None:
        """Everything new was due, and everything due is there."""
        earliest = self.today - 7 * DAY
        facts = [f for f in oracle.plan(self.world, earliest, self.today) if f.at <= self.now.replace(tzinfo=None)]
        there = {self._key(r.rule, r.unit, r.recipient, r.occasion, self._codes(r)) for r in rows}
        planned = {self._key(f.rule, f.unit, f.to, f.occasion, tuple(code for code, _ in f.about)) for f in facts}
        for r in new:
            if self._key(r.rule, r.unit, r.recipient, r.occasion, self._codes(r)) not in planned:
                self.wrong.append(f"never due: {r.rule} {r.kind} {r.unit} {r.recipient} {r.occasion} {self._codes(r)}")
            codes = self._codes(r)
            if codes and r.at.astimezone(SHANGHAI).date() < min(self.measure(code)["known_on"] for code in codes):
                self.wrong.append(f"before it was known: {r.rule} {r.occasion} {codes}")
        for f in facts:
            key = self._key(f.rule, f.unit, f.to, f.occasion, tuple(code for code, _ in f.about))
            if self._owed(f) and key not in there:
                self.wrong.append(f"dropped at {self.now}: {f}")

    def _owed(self, fact: Fact) -> bool:
        """Whether the last cycle cannot have answered it and this one must: plainly so, new rules from today on."""
        last = self.last.replace(tzinfo=None) if self.last else datetime.min
        codes = {code for code, _ in fact.about}
        if not codes <= self.settled["codes"]:
            by_itself = fact.kind in ("before", "due", "overdue") and fact.at.date() >= self._known_on(codes)
            return by_itself and self._was_known(fact)
        if fact.at <= last or (fact.of and not self._owed_since(fact)):
            return False
        return fact.at.date() == self.today or (self._was_known(fact) and self.last is not None)

    def _owed_since(self, fact: Fact) -> bool:
        """Whether the unit's measures were known when the report's week began: what was due before is not chased."""
        begins = date.fromisocalendar(int(fact.of[:4]), int(fact.of[6:]), 1)
        known_on = [m["known_on"] for m in self.world["measures"] if fact.unit in m["units"]]
        return min(known_on) <= begins

    def _was_known(self, fact: Fact) -> bool:
        """Whether the rule stood so in the last cycle; in the first one all are known."""
        mine = next(rule for rule in self.world["rules"] if rule["name"] == fact.rule)
        return self.last is None or mine in self.settled["rules"]

    def _known_on(self, codes: set[str]) -> date:
        return max(self.measure(code)["known_on"] for code in codes)

    def _check_sent(self, rows: list[Any], messages: dict[int | None, Any]) -> None:
        """What was written now still held now: open, not silenced, by the deadline of today."""
        for r in rows:
            message = messages.get(r.message_pk)
            if message is None or r.outcome or message.written_at != self.now:
                continue
            lines = [line for line in r.lines if not line.get("owed")]
            told = [self.measure(str(line["measure"])) for line in lines]
            if any(self._silenced(r, silence, lines) for silence in self.world["silences"]):
                self.wrong.append(f"silenced: {r.rule} {r.unit} {r.occasion} at {self.now}")
            if told and not any(chased(measure, self.today) for measure in told):
                self.wrong.append(f"closed or claimed: {r.rule} {r.unit} {r.occasion} at {self.now}")
            if r.kind in ("before", "due", "overdue") and lines[0]["deadline"] != str(told[0]["deadline"]):
                self.wrong.append(f"extended: {r.rule} {r.occasion} at {self.now}")
        tried = [
            m for m in messages.values() if m.written_at and m.written_at.astimezone(SHANGHAI).date() == self.today
        ]
        most = Counter(m.recipient for m in tried if not m.own)
        self.wrong += [f"{n} letters to {to} on {self.today}" for to, n in most.items() if n > MOST_PER_DAY]

    def _silenced(self, r: Any, silence: dict[str, Any], lines: list[Any]) -> bool:
        if not silence["since"] <= self.today <= silence["until"] or silence["rule"] not in (None, r.rule):
            return False
        if silence["unit"] not in (None, r.unit, r.recipient):
            return False
        return silence["measure"] is None or {str(line["measure"]) for line in lines} == {silence["measure"]}

    def _check_letters(self) -> None:
        """The letters themselves: nothing in them that is closed, claimed or reported; one identity, the same bytes."""
        self.wrong += ["one identity with different bytes" for n in self.post.bytes_of.values() if len(n) > 1]
        for at, letter in self.post.letters:
            for told in letter["measures"]:
                if not chased(self.measure(told["code"]), at.date()):
                    self.wrong.append(f"reminded of {told['code']}, which is {told['status']}, at {at}")
            for told in letter["reports"]:
                sent = self.world["reports"].get((told["unit"], told["week"]))
                if sent and sent <= at.replace(tzinfo=None):
                    self.wrong.append(f"asked for what was reported: {told} at {at}")
        self.post.letters.clear()

    def ended(self) -> None:
        """Some working mornings later nothing waits any more."""
        self.post.mood = "ok"
        for _ in range(6):
            day = self.today + DAY
            while day in self.world["rest"]:
                day += DAY
            self.now = datetime.combine(day, time(9, 1), SHANGHAI)
            run(self.service, lambda: self.now)
        for message in self.rows(MessageRow):
            settled = message.state in NAMED_STATES or (
                message.created_at.astimezone(SHANGHAI).date() >= self.today - 2 * DAY
            )
            if not settled:
                self.wrong.append(f"still {message.state}: {message.recipient} {message.created_at} {message.why}")

    # --- looking

    @staticmethod
    def _key(rule: str, unit: str, to: str, occasion: date, codes: tuple[str, ...]) -> tuple[Any, ...]:
        return rule, unit, to, occasion, codes if len(codes) == 1 else ()

    def _codes(self, reminder: Any) -> tuple[str, ...]:
        """As in the oracle's world, where a measure's id is its place from 1 on."""
        return tuple(sorted(str(line["measure"]) for line in reminder.lines if not line.get("owed")))

    def measure(self, code: str) -> dict[str, Any]:
        return next(m for m in self.world["measures"] if m["code"] == code)

    def rows(self, table: type[Any]) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.exec(select(table).order_by(col(table.id))))


def _no_more(_connection: object) -> None:
    raise Killed


def empty_database(folder: Path) -> Path:
    """A database to copy: migrating one takes longer than living in it."""
    engine = open_engine(f"sqlite:///{folder}/template.db")
    upgrade(engine)
    engine.dispose()  # the last connection takes its journal in
    return folder / "template.db"
