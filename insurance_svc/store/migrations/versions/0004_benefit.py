"""What the benefit rules need to keep."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
