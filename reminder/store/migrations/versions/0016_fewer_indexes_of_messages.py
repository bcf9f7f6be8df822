"""Fewer indexes that each step of a message has to keep: two are one now, and what has not ended stands in one less"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ENDED = sa.text("finished_at IS NOT NULL")
_WAITING = sa.text("state IN ('pending', 'held', 'retrying', 'unknown', 'sending')")


def upgrade() -> None:
    for name in ("ix_message_addressee", "ix_message_recipient", "ix_message_finished"):
        op.drop_index(name, "message")
    op.create_index("ix_message_recipient", "message", ["recipient", "finished_at", "channel"])
    op.create_index("ix_message_finished", "message", ["finished_at"], sqlite_where=_ENDED, postgresql_where=_ENDED)


def downgrade() -> None:
    for name in ("ix_message_recipient", "ix_message_finished"):
        op.drop_index(name, "message")
    addressee = ("ix_message_addressee", "message", ["recipient", "channel"])
    op.create_index(*addressee, sqlite_where=_WAITING, postgresql_where=_WAITING)
    op.create_index("ix_message_recipient", "message", ["recipient", "channel", "finished_at"])
    op.create_index("ix_message_finished", "message", ["finished_at"])
