"""Collections: their folders, items, imports and what failed in them; metadata schemas and their history."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

_JSON = sa.Text().with_variant(JSONB(), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NOT_READY = sa.text("state <> 'ready'")


def upgrade(op: Operations) -> None:
    """Makes the tables."""
    _make_collections(op)
    _make_items(op)
    _make_imports(op)
    _make_schemas(op)


def _make_collections(op: Operations) -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("schema_revision", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "collection_folders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.UniqueConstraint("collection_id", "path", name="collection_folders_path"),
    )


def _make_items(op: Operations) -> None:
    op.create_table(
        "collection_items",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("folder_id", sa.Integer, nullable=False),
        sa.Column("identity", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("made_by", sa.Integer, nullable=False),
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("urls", sa.Text, nullable=False),
        sa.Column("media", _JSON, nullable=True),
        sa.Column("objects", sa.Text, nullable=True),
        sa.Column("rule", sa.Text, nullable=True),
        sa.Column("message", sa.Text, nullable=True),
        sa.Column("error_url", sa.Text, nullable=True),
        sa.Column("metadata", _JSON, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("collection_items_identity", "collection_items", ["folder_id", "identity"])
    op.create_index(
        "collection_items_open",
        "collection_items",
        ["import_id", "state", "id"],
        sqlite_where=_NOT_READY,
        postgresql_where=_NOT_READY,
    )


def _make_imports(op: Operations) -> None:
    op.create_table(
        "collection_imports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("folder_id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("look", sa.Text, nullable=False),
        sa.Column("ignore_errors", sa.Boolean, nullable=False),
        sa.Column("run_ids", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("registered_at", sa.BigInteger, nullable=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("ready", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.UniqueConstraint("collection_id", "key", name="collection_imports_key"),
    )
    op.create_table(
        "collection_failures",
        sa.Column("import_id", sa.Integer, primary_key=True),
        sa.Column("item_id", sa.BigInteger, primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("urls", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("error_url", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
    )


def _make_schemas(op: Operations) -> None:
    op.create_table(
        "metadata_schemas",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "metadata_schema_changes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
