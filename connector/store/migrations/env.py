"""What Alembic runs for each step: on the connection, and within the transaction, that migrate.py hands over."""

from __future__ import annotations

from alembic import context

from connector.store.migrate import VERSION_TABLE
from connector.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,           # SQLite alters a table by making it anew
    transactional_ddl=True,         # ours begins and ends the transaction, on SQLite too
)
with context.begin_transaction():
    context.run_migrations()
