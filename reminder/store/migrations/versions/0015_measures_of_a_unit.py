"""A unit's measures from the index alone: a Monday asks ten thousand units for theirs"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_measure_unit_unit", "measure_unit")
    op.create_index("ix_measure_unit_unit", "measure_unit", ["unit", "role", "measure_id"])


def downgrade() -> None:
    op.drop_index("ix_measure_unit_unit", "measure_unit")
    op.create_index("ix_measure_unit_unit", "measure_unit", ["unit"])
