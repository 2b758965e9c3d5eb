"""Cases, figures, correction requests."""

from alembic import op

from chassis.db.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the .sql file beside this one."""
    run_sql(op, __file__)
