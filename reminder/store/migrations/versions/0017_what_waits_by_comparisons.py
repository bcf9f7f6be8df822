"""What has not ended is told by comparisons: SQLite makes a table of a list of states for each row it writes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_COLUMNS = {
    "ix_message_waiting": ["next_attempt_at"],
    "ix_message_claim": ["channel", "nearest_on", "next_attempt_at", "id"],
}


def upgrade() -> None:
    _indexed("state <> 'sent' AND state <> 'failed' AND state <> 'cancelled'")


def downgrade() -> None:
    _indexed("state IN ('pending', 'held', 'retrying', 'unknown', 'sending')")


def _indexed(waiting: str) -> None:
    where = sa.text(waiting)
    for name, columns in _COLUMNS.items():
        op.drop_index(name, "message")
        op.create_index(name, "message", columns, sqlite_where=where, postgresql_where=where)
