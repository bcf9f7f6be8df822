"""The same kills and clock against what one would write in an afternoon: APScheduler with a job store, and smtplib.

`python -m tests.rig baseline` counts what is lost and what is doubled, theirs and ours, with one receiver.
"""

from __future__ import annotations

import logging
import os
import shutil
import smtplib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from email.message import EmailMessage
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from reminder.rules.calendar import Calendar
from reminder.rules.rule import Facts, Practice, Span
from reminder.rules.when import WEEKDAYS
from tests.makers import a_measure, a_rule
from tests.rig.kills import Trial
from tests.rig.peers import Receiver
from tests.rig.points import ONCE, SMTP

UNITS = 4
FIRST, LAST = date(2026, 1, 1), date(2035, 12, 31)
NIGHTS = (LAST - FIRST).days + 1


def remind(port: int, unit: int, day: str) -> None:
    """The job: one letter."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "office@example.org", f"u{unit}@example.org"
    letter["Message-ID"] = f"<{unit}-{day}-{os.urandom(6).hex()}@example.org>"
    letter.set_content(f"U{unit}M{day}")
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.send_message(letter)


def _run(url: str) -> None:
    """Their daemon: what is due runs in the pool of threads that APScheduler has by default."""
    kinder = {"misfire_grace_time": None, "coalesce": True}  # than the defaults, which drop what is a second late
    stores = {"default": SQLAlchemyJobStore(url=url)}
    scheduler = BackgroundScheduler(jobstores=stores, job_defaults=kinder, timezone="UTC")
    scheduler.start()
    while scheduler.get_jobs():
        time.sleep(0.02)
    scheduler.shutdown()


def theirs(folder: Path, peer: Receiver, times: int, dice: Random) -> Counter[str]:
    """Kills at each stage of the wire, with one letter due for each unit; then a run without kills."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    counts: Counter[str] = Counter()
    for stage in SMTP * times:
        shutil.rmtree(folder / "theirs", ignore_errors=True)
        (folder / "theirs").mkdir()
        peer.fresh(folder / "theirs" / "ledger.jsonl")
        url = f"sqlite:///{folder}/theirs/jobs.db"
        _forked(lambda url=url: _add_jobs(url, peer.smtp))
        kill = {"stage": stage, "nth": dice.randint(1, UNITS)}
        counts["kills"] += _forked(
            lambda url=url, kill=kill: peer.order(kill=kill | {"pid": os.getpid()}) and _run(url)
        )
        peer.order(kill={})
        _forked(lambda url=url: _run(url))
        peer.settled()
        _count(counts, [line.to for line in peer.accepted()])
    return counts


def _add_jobs(url: str, port: int) -> None:
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(url=url)}, timezone="UTC")
    scheduler.start(paused=True)
    due = datetime.now(UTC) + timedelta(seconds=1.5)  # while it shuts down, a paused scheduler still runs what is due
    for unit in range(UNITS):
        scheduler.add_job(remind, "date", run_date=due, args=[port, unit, "08"], id=str(unit))
    scheduler.shutdown()


def _forked(work: Callable[[], object]) -> bool:
    """Does it in a process of its own; whether that was killed."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _count(counts: Counter[str], reached: list[str]) -> None:
    """Each unit should have exactly one letter; the same letter under another identity cannot be told apart."""
    copies = Counter(reached)
    counts["occasions"] += UNITS
    counts["lost"] += UNITS - len(copies)
    counts["doubled"] += sum(n - 1 for n in copies.values())


def ours(folder: Path, peer: Receiver, times: int, dice: Random) -> Counter[str]:
    """The same with our cycle. A copy with the same Message-ID is counted as repeated, not as doubled."""
    counts: Counter[str] = Counter()
    for stage in SMTP * times:
        trial = Trial(folder, peer, "email")
        trial.victim(trial.at(stage, 1 if stage in ONCE else dice.randint(1, UNITS)))
        trial.heirs()
        counts["kills"] += trial.kills
        copies = Counter(line.key for line in peer.accepted())
        told = Counter(code for codes in {one.key: one.codes for one in peer.accepted()}.values() for code in codes)
        counts["occasions"] += len(trial.codes)
        counts["lost"] += len(trial.codes - set(told))
        counts["doubled"] += sum(n - 1 for n in told.values())
        counts["repeated, same id"] += copies.total() - len(copies)
    return counts


def clocks() -> tuple[Counter[str], Counter[str]]:
    """The half hours of the night, ten years, four zones: local dates without a run, and with two; theirs, ours."""
    found = Counter[str](), Counter[str]()
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"):
        for half_hour in range(7):
            hour, zone = time_of_day(half_hour // 2, half_hour % 2 * 30), ZoneInfo(name)
            trigger = CronTrigger(hour=hour.hour, minute=hour.minute, timezone=zone)
            for counts, dates in zip(found, (_fired(trigger, zone), _answered(hour, zone)), strict=True):
                counts["occasions"] += NIGHTS
                counts["lost"] += NIGHTS - len(dates)
                counts["doubled"] += sum(n - 1 for n in dates.values())
    return found


def _fired(trigger: CronTrigger, zone: ZoneInfo) -> Counter[date]:
    dates: Counter[date] = Counter()
    previous, now = None, datetime.combine(FIRST, time_of_day(0), zone).astimezone(UTC) - timedelta(hours=12)
    while True:
        at = trigger.get_next_fire_time(previous, now)
        if at.astimezone(zone).date() > LAST:
            return dates
        dates[at.astimezone(zone).date()] += 1
        previous, now = at, max(at.astimezone(UTC), now) + timedelta(minutes=1)


def _answered(hour: time_of_day, zone: ZoneInfo) -> Counter[date]:
    practice = Practice(calendar=Calendar(base="weekdays"), zone=zone, working_days_only=False)
    rule = a_rule("nudge", on=list(WEEKDAYS), at=f"{hour:%H:%M}")
    firings = rule.firings(Facts(measures=[a_measure("2040-01-01")]), Span(FIRST, LAST), practice)
    return Counter(at.astimezone(zone).date() for at in {firing.at.astimezone(UTC) for firing in firings})
