"""Imports of register files."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
