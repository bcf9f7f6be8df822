"""Indices for what people look for at the desk: a page of the ledger, a week's reports, what waits for the office"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = "status IN ('not_started', 'in_progress', 'phase_complete')"
ASIDE = "status IN ('claimed', 'suspended', 'declined')"
UNCOUNTED = (
    "status NOT IN ('claimed', 'written_off', 'suspended', 'declined')"
    " AND (deadline_on IS NULL OR NOT deadline_confirmed OR deadline_kind NOT IN ('date', 'immediate'))"
)
TAGGED = "CAST(tags AS TEXT) <> '[]'"
ASKED = "act IN ('ask_extension', 'refuse_extension', 'extend', 'pass_on', 'keep_unit', 'hand_over', 'suspend')"
WANTED = (
    ("ix_measure_open_deadline", "measure", ("deadline_on", "status"), OPEN),
    ("ix_measure_in_order", "measure", ("ledger", "id"), None),
    *((f"ix_measure_{field}", "measure", (field, "ledger", "id"), None) for field in ("aspect", "problem", "leader")),
    ("ix_measure_code", "measure", ("code",), None),
    ("ix_measure_deadline_on", "measure", ("deadline_on",), None),
    ("ix_measure_progress_on", "measure", (sa.text("progress_on DESC"), "id"), None),
    ("ix_measure_aside", "measure", ("status", "ledger", "id"), ASIDE),
    ("ix_measure_uncounted", "measure", ("ledger", "id"), UNCOUNTED),
    ("ix_event_moved", "event", ("measure_id", "on", "id", "status"), "status IS NOT NULL"),
    ("ix_event_asked", "event", ("measure_id", "id"), ASKED),
    ("ix_report_week", "report", ("week", "unit", "submitted_at"), None),
    ("ix_message_cancelled", "message", ("id",), "state = 'cancelled'"),
)


def upgrade() -> None:
    op.drop_index("ix_measure_open_deadline", "measure")
    for name, table, columns, where in WANTED:
        condition = sa.text(where) if where else None
        op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)
    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL does not take the text of a JSON column into an index
        op.create_index("ix_measure_tagged", "measure", ["ledger", "id"], sqlite_where=sa.text(TAGGED))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_measure_tagged", "measure")
    for name, table, *_ in reversed(WANTED):
        op.drop_index(name, table)
    condition = sa.text(OPEN)
    columns = ["deadline_on"]
    op.create_index("ix_measure_open_deadline", "measure", columns, sqlite_where=condition, postgresql_where=condition)
