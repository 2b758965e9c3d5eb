"""Citizens, their identifiers, facts, card readings and checks."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of identity."""
    run_sql(op, __file__)
