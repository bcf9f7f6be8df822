"""Alembic's entry: runs migrations on the engine handed over by `store.engine.upgrade`."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Engine
from sqlmodel import SQLModel

from reminder.store import (  # noqa: F401 - importing them fills the metadata
    evidence_tables,
    gate_tables,
    log_tables,
    service_tables,
    tables,
    upload_tables,
)

engine: Engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
