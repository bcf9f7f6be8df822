"""Destinations: how each peer stands; the nearest deadline of each message"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAITING = "state IN ('pending', 'held', 'retrying', 'unknown', 'sending')"


def upgrade() -> None:
    op.create_table(
        "destination",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("disabled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("recent", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_destination")),
    )
    # A constant default, so that SQLite adds the column in place: rebuilding the table would drop what refers to it.
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("nearest_on", sa.Date(), nullable=False, server_default="1970-01-01"))
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(f"UPDATE message SET nearest_on = {'date(due_at)' if sqlite else 'CAST(due_at AS DATE)'}")
    with op.batch_alter_table("message", schema=None) as batch_op:
        for name, columns in (
            ("ix_message_claim", ["channel", "nearest_on", "next_attempt_at", "id"]),
            ("ix_message_addressee", ["recipient", "channel"]),
        ):
            batch_op.create_index(name, columns, sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING))


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_addressee")
        batch_op.drop_index("ix_message_claim")
        batch_op.drop_column("nearest_on")
    op.drop_table("destination")
