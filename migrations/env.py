"""Alembic's entrance: run the migrations on the connection that `chat.storage.migrate` brings."""

from alembic import context

from chat.storage.schema import metadata

connection = context.config.attributes["connection"]
# SQLite changes a table by making it anew; "batch" does that.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
