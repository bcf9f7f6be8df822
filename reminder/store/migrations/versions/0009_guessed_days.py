"""What was told by a guessed calendar is found quickly"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_reminder_provisional",
        "reminder",
        ["subject"],
        unique=False,
        sqlite_where=sa.text("provisional"),
        postgresql_where=sa.text("provisional"),
    )


def downgrade() -> None:
    op.drop_index("ix_reminder_provisional", table_name="reminder")
