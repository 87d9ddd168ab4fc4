"""The first ledger."""

from alembic import op

from kgbuilder.ledger.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table; later versions alter from here, and freeze this list when the first of them comes."""
    metadata.create_all(op.get_bind())
