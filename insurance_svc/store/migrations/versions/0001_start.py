"""The frame's tables, and coverages, evidence and splits."""

from alembic import op

from chassis.db.migrations import run_frame, run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    run_frame(op)
    run_sql(op, __file__)
