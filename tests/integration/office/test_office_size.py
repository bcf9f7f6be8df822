"""A ledger of ten thousand rows is imported in seconds."""

from __future__ import annotations

from datetime import date
from time import process_time

from tests.integration.office.desk import row

ROWS = 10_000


def test_ten_thousand_rows(sqlite_desk):
    rows = [
        row(str(n), f"第{n}项：补齐第{n}号路口的交通标识牌", status=("已完成", "推进中")[n % 2]) for n in range(ROWS)
    ]
    changed = [row(str(n), f"第{n}项：补齐第{n}号路口的交通标识牌", percent="50%") for n in range(ROWS)]
    first, then = sqlite_desk.read(rows), sqlite_desk.read(changed)
    spent = []
    for sheet in (first, first, then):
        started = process_time()
        told = sqlite_desk.registers(sheet, as_of=date(2021, 6, 7))
        spent.append(process_time() - started)
    assert told.summary["updated"] == ROWS
    assert max(spent) < 15, spent  # of CPU: one to three seconds, whoever else is busy
