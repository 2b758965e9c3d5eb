"""A note on a transfer, and the index of its list."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    run_sql(op, __file__)
