"""Consents, delegations, proxy codes."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
