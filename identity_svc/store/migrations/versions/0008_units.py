"""Residences, facilities and their dated codes."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
