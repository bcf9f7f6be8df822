"""The delivery log, which nobody may change, and indices for what is dropped for its age"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEPT = ("id", "at", "act", "message_id", "recipient", "channel", "addresses", "sha256", "code", "text")
REFUSED = "the delivery log is append-only"
BASE = "(SELECT COALESCE(MAX(position), 0) FROM delivery_log_base)"


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.create_table(
        "delivery_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        *(sa.Column(name, text, nullable=False) for name in KEPT[2:]),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("hash", text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_log")),
    )
    op.create_table(
        "delivery_log_base",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("hash", text, nullable=False),
        sa.Column("dropped_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_log_base")),
    )
    _index("uq_delivery_log_position", "delivery_log", "position", unique=True)
    _index("ix_delivery_log_unsealed", "delivery_log", "id", where="position IS NULL")
    _index("ix_reminder_alone", "reminder", "at", where="message_pk IS NULL")
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def _index(name: str, table: str, column: str, *, unique: bool = False, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, [column], unique=unique, sqlite_where=condition, postgresql_where=condition)


def _sqlite() -> tuple[str, ...]:
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)
    return (
        f"CREATE TRIGGER delivery_log_unchanged BEFORE UPDATE ON delivery_log "
        f"WHEN OLD.position IS NOT NULL OR {changed} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
        f"CREATE TRIGGER delivery_log_kept BEFORE DELETE ON delivery_log "
        f"WHEN OLD.position IS NULL OR OLD.position > {BASE} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    )


def _postgresql() -> tuple[str, ...]:
    new, old = (", ".join(f"{row}.{name}" for name in KEPT) for row in ("NEW", "OLD"))
    function = f"""CREATE FUNCTION delivery_log_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND ({new}) IS NOT DISTINCT FROM ({old}) THEN
                RETURN NEW;
            ELSIF TG_OP = 'DELETE' AND OLD.position <= {BASE} THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{REFUSED}';
        END $$"""
    return (
        function,
        "CREATE TRIGGER delivery_log_kept BEFORE UPDATE OR DELETE ON delivery_log "
        "FOR EACH ROW EXECUTE FUNCTION delivery_log_kept()",
        "CREATE TRIGGER delivery_log_whole BEFORE TRUNCATE ON delivery_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION delivery_log_kept()",
    )


def downgrade() -> None:
    op.drop_index("ix_reminder_alone", "reminder")
    op.drop_table("delivery_log_base")
    op.drop_table("delivery_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION delivery_log_kept")
