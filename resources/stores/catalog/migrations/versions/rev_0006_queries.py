"""Queries that people ran: their own history, and what the address of a query leads to."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Makes the table."""
    op.create_table(
        "queries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=True),
        sa.Column("rows", sa.BigInteger, nullable=True),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("queries_of_actor", "queries", ["project", "actor", "asked_at"])
