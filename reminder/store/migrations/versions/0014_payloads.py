"""The bytes of a message in a table of their own: they are written once, the row beside them at each step of its way"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payload",
        sa.Column("message_pk", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_pk"], ["message.id"], name=op.f("fk_payload_message_pk_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_pk", name=op.f("pk_payload")),
    )
    op.execute("INSERT INTO payload (message_pk, content) SELECT id, payload FROM message WHERE payload IS NOT NULL")
    op.drop_column("message", "payload")


def downgrade() -> None:
    op.add_column("message", sa.Column("payload", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE message SET payload = (SELECT content FROM payload WHERE message_pk = message.id)")
    op.drop_table("payload")
