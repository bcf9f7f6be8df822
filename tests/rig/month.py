"""Thirty simulated days of a large office while its peers, its database, its clock and the daemon itself fail.

Everything comes from one seed. The clock is an hour off for whole days, which nobody can tell, and now and then a day
off for one beat, which the guard of a running daemon can. The peers are the receiver's process; the clock is handed to
the cycle, so days are quick. `verdict.py` holds what was received against the oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from reminder import cycle
from reminder.cycle import Watch
from reminder.rules.calendar import Calendar
from reminder.rules.kinds import KINDS
from reminder.store.destinations import forget
from reminder.store.engine import open_engine, writing
from reminder.store.holding import release
from reminder.store.outbox_tables import DestinationRow
from reminder.store.tables import EventRow, MeasureRow, ReportRow
from tests.makers import SHANGHAI, a_practice
from tests.rig import offices
from tests.rig.days import week_of
from tests.rig.peers import Receiver

FIRST, DAYS = date(2021, 9, 6), 30
LAST = FIRST + timedelta(days=DAYS - 1)
DRAINED = 6  # days after the last one, without faults, in which everything has to arrive
OFF = {date(2021, 9, 20), date(2021, 9, 21), *(date(2021, 10, d) for d in range(1, 8))}
WORK = {date(2021, 9, 18), date(2021, 9, 26), date(2021, 10, 9)}
MAIL_FAULTS = ["421", "450", "451", "550", "reset", "hang", "drip", "accepted and reset", "accepted and silent"]
HOOK_FAULTS = ["429", "500", "301", "410", "400", "reset", "hang", "drip", "accepted and reset", "accepted and silent"]
RULES: list[dict[str, Any]] = [
    {"name": "countdown", "kind": "deadline", "before": [14, 7, 3, 1, 0], "at": "09:00"},
    {"name": "late", "kind": "overdue", "every": [1, 3, 7, 14], "at": "09:00"},
    {"name": "weekly", "kind": "nudge", "on": "monday", "at": "09:30"},
    {"name": "report", "kind": "report", "due": "friday 17:00", "remind": ["friday 09:00"], "chase": "monday 09:00"},
]


@dataclass
class Month:
    """One office's month: the world as the oracle reads it, and what befell the daemon."""

    seed: int
    units: int
    world: dict[str, Any]
    ill: list[tuple[datetime, datetime]] = field(default_factory=list)  # when the daemon or its database was down


def a_month(seed: int, units: int, measures: int) -> Month:
    """A random world of that size."""
    dice = Random(seed)
    known = {FIRST + timedelta(days=n) for n in range(-500, 900)}
    world = {
        "rest": {day for day in known if (day.weekday() > 4 or day in OFF) and day not in WORK},
        "covered": None,
        "off": OFF,
        "work": WORK,
        "started_on": None,
        "outside": set(),
        "leaders": {},
        "principal": None,
        "deputies": {},
        "reached": {"office", *(f"U{n}" for n in range(units))},
        "silences": [],
        "letters": [],
        "done": [],
        "rules": RULES,
        "measures": [_measure(dice, n % units, n) for n in range(measures)],
        "reports": {
            (f"U{unit}", week_of(FIRST + timedelta(weeks=week))): datetime.combine(
                FIRST + timedelta(weeks=week, days=dice.randint(2, 9)), time(dice.randint(0, 23))
            )
            for unit in range(units)
            for week in range(-1, 7)
            if dice.random() < 0.5
        },
    }
    return Month(seed, units, world)


def _measure(dice: Random, unit: int, number: int) -> dict[str, Any]:
    changes = []
    if dice.random() < 0.2:
        changes = [(FIRST + timedelta(days=dice.randint(1, DAYS)), "written_off")]
    return {
        "code": f"U{unit}M{number}",
        "kind": "date",
        "deadline": FIRST + timedelta(days=dice.randint(-20, 50)),
        "confirmed": True,
        "status": "in_progress",
        "changes": changes,
        "units": [f"U{unit}"],
        "supporting": [],
        "answers": [],
        "look_backs": [],
        "tags": [],
        **dict.fromkeys(("aspect", "problem", "ledger"), ""),
        **dict.fromkeys(("standing", "blocked"), False),
        **dict.fromkeys(("dated", "percent", "progress_on", "leader")),
    }


class Life:
    """The month lived on a real database, by real cycles, against the receiver."""

    def __init__(self, month: Month, folder: Path, peer: Receiver, p: float) -> None:
        self.month, self.dice, self.p, self.peer = month, Random(month.seed + 1), p, peer
        folder.mkdir()
        peer.fresh(folder / "ledger.jsonl")
        self.engine: Engine = open_engine(offices.empty_database(folder, None))
        self.file = folder / "reminder.db"
        self.full = 0
        event.listen(self.engine, "connect", self._limits)
        hooks = {n: f"hook{n}" for n in range(1, month.units, 2)}  # every other unit has a webhook of its own
        channels = {"mail": offices.mail_keys(peer, timeout=0.25)} | {
            name: offices.hook_keys(peer, f"u{n}", timeout=0.25) for n, name in hooks.items()
        }
        units = [offices.unit(n, hooks.get(n, "mail")) for n in range(month.units)]
        self.service = offices.service(
            self.engine,
            folder,
            units,
            channels,
            rules=tuple(KINDS[rule["kind"]].model_validate(rule) for rule in month.world["rules"]),
            practice=a_practice(calendar=Calendar(base="weekdays", off=frozenset(OFF), work=frozenset(WORK))),
        )
        self.wall = self.true = datetime.combine(FIRST, time(0), SHANGHAI)
        self.watch = Watch(lambda: self.wall, self._steady)
        self.jumping, self.jumps, self.wrong = set[date](), 0, list[str]()
        self._ledger()

    def _steady(self) -> float:
        return self.true.timestamp()

    def _ledger(self) -> None:
        world = self.month.world
        offices.add_measures(self.engine, [(m["code"], m["units"][0], "", m["deadline"]) for m in world["measures"]])
        self.coming = sorted(world["reports"].items(), key=lambda report: report[1], reverse=True)

    def _reports(self, now: datetime) -> None:
        """What has been handed in by now is recorded."""
        with writing(self.engine) as session:
            while self.coming and self.coming[-1][1].replace(tzinfo=SHANGHAI) <= now:
                (unit, week), at = self.coming.pop()
                session.add(ReportRow(unit=unit, week=week, submitted_at=at.replace(tzinfo=SHANGHAI)))

    def _limits(self, connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")
        connection.execute("PRAGMA synchronous=OFF")  # no power is cut here, and thousands of cycles are lived
        if self.full:
            connection.execute(f"PRAGMA max_page_count={self.full}")

    def live(self) -> None:
        """All days, with faults, and some more without in which everything has to arrive."""
        self._faults(self.p)
        down = self.dice.randint(3, DAYS - 8) if self.p else -9
        up = [FIRST + timedelta(days=n) for n in range(1, DAYS) if not down <= n <= down + 3]
        working = [day for day in up if day not in self.month.world["rest"]]
        self.jumping = set(self.dice.sample(working, 2)) if self.p else set()
        for n in range(DAYS):
            self._acts(FIRST + timedelta(days=n))
            if down <= n < down + 3:
                day = datetime.combine(FIRST + timedelta(days=n), time(0), SHANGHAI)
                self.month.ill.append((day, day + timedelta(days=1)))
            else:
                self._day(FIRST + timedelta(days=n))
        self._faults(0)
        self.p = 0
        for n in range(DAYS, DAYS + DRAINED):
            self._day(FIRST + timedelta(days=n))

    def _faults(self, p: float) -> None:
        kinds = {"mail": MAIL_FAULTS, "hook": HOOK_FAULTS}
        self.peer.order(faults={"seed": self.month.seed, "p": p, "kinds": kinds} if p else {})

    def _acts(self, day: date) -> None:
        """What the office does on a day, before anything is sent."""
        codes = {m["code"]: on for m in self.month.world["measures"] for on, _ in m["changes"]}
        today = [code for code, on in codes.items() if on == day]
        with writing(self.engine) as session:
            gone = select(DestinationRow.name).where(col(DestinationRow.disabled_at).is_not(None))
            forget(session, session.exec(gone).all())  # 410: the office has entered the new URL
            for row in session.exec(select(MeasureRow)).all() if today else ():
                if row.code in today:
                    row.status, row.closed_on = "written_off", day
                    session.add(row)
                    at = datetime.combine(day, time(0), SHANGHAI)
                    session.add(
                        EventRow(measure_id=row.id or 0, act="write-off", on=day, status="written_off", recorded_at=at)
                    )

    def _day(self, day: date) -> None:
        """The beats of a day: at the hours of the rules, in between, and more often while something is retried."""
        works = day not in self.month.world["rest"]
        hours = ["08:30", "09:00", "09:30", "11:00", "14:00", "17:00", "17:50", "20:00"] if works else ["10:00"]
        shift = self.dice.choice([-1, 1]) if self.dice.random() < self.p / 2 else 0
        jumps = self.dice.choice(hours[1:]) if day in self.jumping else ""
        for hour in hours:
            now = datetime.combine(day, time.fromisoformat(hour), SHANGHAI) + timedelta(hours=shift)
            if hour == jumps:
                self._jump(now - timedelta(minutes=3), timedelta(days=self.dice.choice([-1, 1])))
            for again in range(4):
                if not self._beat(now + timedelta(minutes=7 * again)):
                    break

    def _jump(self, now: datetime, by: timedelta) -> None:
        """The clock is a day off for one beat and right again in the next; nothing may go before the office, which has
        looked at it, says so."""
        before = len(self.peer.accepted())
        for wall in (now + by, now):
            self.wall, self.true = wall, now
            cycle.run(self.service, lambda: self.wall, watch=self.watch)
            now += timedelta(minutes=1)
        if len(self.peer.accepted()) != before:
            self.wrong.append(f"sent by a clock that was {by} off on {now}")
        self.jumps += 1
        with writing(self.engine) as session:
            release(session, now)

    def _beat(self, now: datetime) -> bool:
        """One cycle, perhaps on an ill database; whether something was left to be tried again."""
        self._reports(now)
        self.wall = self.true = now
        illness = self.dice.choice(["locked", "full"]) if self.dice.random() < self.p / 4 else ""
        with self._ill(illness):
            try:
                counts = cycle.run(self.service, lambda: now, watch=self.watch)
            except OperationalError:
                assert illness, "the database failed without a reason"
                self.month.ill.append((now - timedelta(hours=3), now + timedelta(hours=1)))
                return True
        return bool(counts.messages["retrying"] or counts.messages["unknown"])

    @contextmanager
    def _ill(self, illness: str) -> Iterator[None]:
        """The database locked by somebody else, or without room for another page."""
        if not illness:
            yield
            return
        with self.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.rollback()
        self.engine.dispose()
        if illness == "full":
            self.full = pages + self.dice.randint(0, 3)
            yield
            self.full = 0
        else:
            other = open_engine(f"sqlite:///{self.file}")
            with other.connect() as lock:
                lock.exec_driver_sql("SELECT 1")  # begins at once, see `store.engine`
                yield
                lock.rollback()
            other.dispose()
        self.engine.dispose()
