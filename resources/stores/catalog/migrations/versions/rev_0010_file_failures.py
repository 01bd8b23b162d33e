"""The failure log has a row a file: a series of 300 files of which 40 are missing says so 40 times."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0010"
down_revision = "0009"

_CARRIED = (
    "INSERT INTO collection_file_failures (import_id, item_id, position, place, type, title, url,"
    " rule, message, attempts, failed_at)"
    " SELECT import_id, item_id, 0, place, type, title,"
    " CASE WHEN error_url = '' THEN urls ELSE error_url END, rule, message, attempts, failed_at"
    " FROM collection_failures"
)
"""What was written before named one file an item."""


def upgrade(op: Operations) -> None:
    """Makes the table, and brings over what was logged."""
    op.create_table(
        "collection_file_failures",
        sa.Column("import_id", sa.Integer, primary_key=True),
        sa.Column("item_id", sa.BigInteger, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
    )
    op.execute(_CARRIED)
    op.drop_table("collection_failures")
