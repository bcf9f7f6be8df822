"""The real ledger of 2021 under the contract's rules gives the hand-worked facts, through the real command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "plan_2021.json").read_text(encoding="utf-8"))
KINDS = {
    "before": "before",
    "due": "due",
    "overdue": "overdue",
    "weekly-nudge": "nudge",
    "report-due": "report_due",
    "report-chase": "report_chase",
}
ABOUT_MEASURES = ("before", "due", "overdue")

REMINDER = """
[office]
name = "巡察整改办公室"
timezone = "Asia/Shanghai"
locale = "zh_CN"
email = ["office@example.org"]
started_on = 2021-04-08
[ledger]
dated = 2021-04-08
default_year = 2021
"""
RULES = """
[[rule]]
name = "approaching"
kind = "deadline"
before = [14, 7, 3, 1, 0]
at = "09:00"
[[rule]]
name = "overdue"
kind = "overdue"
every = 3
at = "09:00"
[[rule]]
name = "weekly-nudge"
kind = "nudge"
on = "monday"
at = "09:00"
[[rule]]
name = "weekly-report"
kind = "report"
due = "friday 17:00"
remind = ["friday 09:00"]
chase = "monday 09:00"
"""
CHANNELS = """
[channel.files]
kind = "maildir"
path = "mailbox"
sender = "整改办 <office@example.org>"
"""


def reminder(folder, *arguments):
    command = [sys.executable, "-m", "reminder", "--config", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def fridays():
    day = date(2021, 4, 9)
    while day <= date(2021, 10, 29):
        yield day
        day += timedelta(days=7)


@pytest.fixture(scope="module", params=["xlsx", "csv"])
def planned(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    directory = json.loads((DATA / "ledger_2021_expected.json").read_text(encoding="utf-8"))["directory"]
    units = "".join(
        f'[[unit]]\nname = "{unit["unit"]}"\naliases = {json.dumps(unit["aliases"], ensure_ascii=False)}\n'
        f'email = ["{unit["email"]}"]\n'
        for unit in directory
    )
    files = {"reminder": REMINDER, "rules": RULES, "channels": CHANNELS, "units": units}
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    missing = {tuple(pair) for pair in FACTS["missing_reports"]}
    with (folder / "reports.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["unit", "week", "submitted_at", "note"])
        for friday in fridays():
            for unit in directory:
                if (unit["unit"], str(friday)) not in missing:
                    rows.writerow([unit["unit"], friday, f"{friday - timedelta(days=1)} 12:00", ""])
    reminder(folder, "import", str(DATA / f"ledger_2021.{request.param}"), "--as-of", "2021-04-08")
    stated = [json.loads(line) for line in plan(folder)]
    reminder(folder, "reports", "import", str(folder / "reports.csv"))
    return {"without_reports": stated, "with_reports": [json.loads(line) for line in plan(folder)]}


def plan(folder):
    return reminder(folder, "plan", "--from", "2021-04-08", "--to", "2021-10-31", "--json").splitlines()


def facts_of(lines):
    """(day, kind, unit, seq or None, days) of every line and of every measure in it."""
    for line in lines:
        day = line["at"][:10]
        yield day, line["kind"], line["recipient"], None, ()
        for measure in line["measures"]:
            yield day, line["kind"], line["recipient"], int(measure["code"]), tuple(measure["days"])


def agrees(fact, wanted):
    day, _, unit, seq, _ = fact
    return day == wanted["date"] and wanted["unit"] in (None, unit) and wanted["seq"] in (None, seq)


def nominal(wanted):
    """The days that the hand-worked fact names; None where it names none."""
    text = wanted["nominal"] or ""
    return tuple(sorted(int(n) for n in text.split("+"))) if wanted["seq"] and text[:1].isdigit() else None


@pytest.mark.parametrize("check", FACTS["checks"], ids=[check["id"] for check in FACTS["checks"]])
def test_the_hand_worked_facts(planned, check):
    for wanted in check["must"]:
        reports = "without_reports" if wanted["kind"] == "report-due" else "with_reports"
        found = [f for f in facts_of(planned[reports]) if agrees(f, wanted) and f[1] == KINDS[wanted["kind"]]]
        assert found, wanted
        assert nominal(wanted) in (None, found[0][4]), (wanted, found)
    for unwanted in check["never"]:
        # What names a unit without a measure is about its nudges; reports are told apart by their own facts.
        kinds = set(ABOUT_MEASURES) | ({"nudge"} if unwanted["seq"] is None else set())
        assert not [f for f in facts_of(planned["with_reports"]) if agrees(f, unwanted) and f[1] in kinds], unwanted
    for only in check["only"]:
        days = sorted(
            {
                day
                for day, kind, unit, seq, _ in facts_of(planned["with_reports"])
                if (unit, seq) == (only["unit"], only["seq"]) and kind in ABOUT_MEASURES
            }
        )
        assert days == only["dates"]


def test_missing_reports_and_only_those_are_chased(planned):
    chased = {(line["unit"], line["at"][:10]) for line in planned["with_reports"] if line["kind"] == "report_chase"}
    wanted = {
        (must["unit"], must["date"])
        for check in FACTS["checks"]
        for must in check["must"]
        if must["kind"] == "report-chase"
    }
    assert chased == wanted


def test_the_plan_is_sorted_and_each_line_has_all_its_keys(planned):
    lines = planned["with_reports"]
    assert [(line["at"], line["recipient"], line["rule"]) for line in lines] == sorted(
        (line["at"], line["recipient"], line["rule"]) for line in lines
    )
    keys = "at occasion rule kind unit recipient channel message measures late provisional reason"
    assert all(" ".join(line) == keys for line in lines)
    assert all(line["at"].endswith("+08:00") for line in lines)
