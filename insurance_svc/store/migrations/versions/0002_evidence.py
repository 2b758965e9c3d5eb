"""Evidence of look-ups: exports and corrections."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
