"""The history of every file of a set, and what leads back to earlier versions."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Makes the tables; a set that is there can go back to what it holds now, and to nothing before."""
    op.create_table(
        "classification_files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("set_id", sa.Integer, sa.ForeignKey("classification_sets.id"), nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.UniqueConstraint("set_id", "run_id", name="classification_files_run"),
    )
    op.create_table(
        "classification_deltas",
        sa.Column("set_id", sa.Integer, sa.ForeignKey("classification_sets.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.add_column(
        "classification_sets",
        sa.Column("oldest_version", sa.Integer, nullable=False, server_default="0"),
    )
    op.execute("UPDATE classification_sets SET oldest_version = version")
