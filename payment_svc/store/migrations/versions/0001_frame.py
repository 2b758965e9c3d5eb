"""Idempotency, outbox and audit: the tables every service has."""

from alembic import op

from chassis.db.migrations import run_frame

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the frame's tables."""
    run_frame(op)
