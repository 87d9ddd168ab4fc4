"""Run the ledger's migrations on the connection that `kgbuilder.ledger.engine` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
