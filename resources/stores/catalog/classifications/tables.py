"""The tables of classification sets as SQLAlchemy sees them; a test compares them with what the migrations make."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

SETS = sa.Table(
    "classification_sets",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("key_count", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.Column("oldest_version", sa.Integer, nullable=False, server_default="0"),
)

COLUMNS = sa.Table(
    "classification_columns",
    METADATA,
    sa.Column("set_id", sa.Integer, sa.ForeignKey("classification_sets.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.UniqueConstraint("set_id", "name", name="classification_columns_name"),
)

FILES = sa.Table(
    "classification_files",
    METADATA,
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

DELTAS = sa.Table(
    "classification_deltas",
    METADATA,
    sa.Column("set_id", sa.Integer, sa.ForeignKey("classification_sets.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("rows", sa.LargeBinary, nullable=False),
)
