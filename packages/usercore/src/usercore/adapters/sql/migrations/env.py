"""Run by Alembic: migrates over the connection it is handed, inside the transaction that is open there."""

from alembic import context

from usercore.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
)
with context.begin_transaction():
    context.run_migrations()
