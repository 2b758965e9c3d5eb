"""Claims, their submission and settlement."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
