"""The shipped rules are calm: 建设局 gets mail on at most 40 of the 141 working days of 2021 (85 by the test's)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

from reminder.app import open_app
from reminder.config.example import write_example
from reminder.importing import Order, import_into
from reminder.rules.rule import Span

LEDGER = Path(__file__).parent.parent / "data" / "ledger_2021.xlsx"
SPAN = Span(date(2021, 4, 8), date(2021, 10, 31))


def test_the_shipped_rules_are_calm(tmp_path):
    write_example(tmp_path / "office")
    app = open_app(tmp_path / "office", create=True)
    import_into(app, LEDGER, Order(as_of=SPAN.first))
    days = defaultdict(set)
    for reminder in app.plan(SPAN):
        days[reminder.recipient].add(reminder.firing.at.date())
    app.engine.dispose()
    working = app.configuration.practice.calendar.between(date(2021, 4, 7), SPAN.last)
    assert working == 141
    assert 20 <= len(days["建设局"]) <= 40
    assert len(days) == 11  # every unit of the ledger hears of its measures, the calm ones too
