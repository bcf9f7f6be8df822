"""5 days and "5wd" are two offsets of a rule: what was remembered of either knows both, until the next cycle"""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OFFSET = re.compile(r"rule:.*:\d+")
_CYCLE = sa.table("cycle", sa.column("id", sa.Integer), sa.column("known", sa.JSON))


def upgrade() -> None:
    """Without this, what fell due while the service was being upgraded would count as an offset that nobody knew."""
    for key, known in op.get_bind().execute(sa.select(_CYCLE.c.id, _CYCLE.c.known)).all():
        parts = json.loads(known) if isinstance(known, str) else known
        working = [f"{part}wd" for part in parts if _OFFSET.fullmatch(part) and ":escalate:" not in part]
        both = sorted({*parts, *working})
        op.execute(sa.update(_CYCLE).where(_CYCLE.c.id == key).values(known=both))


def downgrade() -> None:
    """Nothing to undo: the next cycle remembers its own."""
