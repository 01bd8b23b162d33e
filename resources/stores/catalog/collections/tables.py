"""The tables of collections as SQLAlchemy sees them; a test compares them with what the migrations make.

Times are microseconds since 1970 in UTC: two of them stand in every item.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

METADATA = sa.MetaData()

JSON_TEXT = sa.Text().with_variant(JSONB(), "postgresql")
"""JSON: `jsonb` in PostgreSQL, text in SQLite."""
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite takes a column as the row's own number only if it is an INTEGER."""
NOT_READY = sa.text("state <> 'ready'")

COLLECTIONS = sa.Table(
    "collections",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("schema_name", sa.Text, nullable=False),
    sa.Column("schema_revision", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

FOLDERS = sa.Table(
    "collection_folders",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("collection_id", sa.Integer, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.UniqueConstraint("collection_id", "path", name="collection_folders_path"),
)

ITEMS = sa.Table(
    "collection_items",
    METADATA,
    sa.Column("id", ROW_ID, primary_key=True),
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
    sa.Column("media", JSON_TEXT, nullable=True),
    sa.Column("objects", sa.Text, nullable=True),
    sa.Column("rule", sa.Text, nullable=True),
    sa.Column("message", sa.Text, nullable=True),
    sa.Column("error_url", sa.Text, nullable=True),
    sa.Column("metadata", JSON_TEXT, nullable=True),
    sa.Index("collection_items_identity", "folder_id", "identity"),
    sa.Index(
        "collection_items_open",
        "import_id",
        "state",
        "id",
        sqlite_where=NOT_READY,
        postgresql_where=NOT_READY,
    ),
    sqlite_autoincrement=True,
)

IMPORTS = sa.Table(
    "collection_imports",
    METADATA,
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

FAILURES = sa.Table(
    "collection_file_failures",
    METADATA,
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

SCHEMAS = sa.Table(
    "metadata_schemas",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("keys", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

SCHEMA_CHANGES = sa.Table(
    "metadata_schema_changes",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

KNOWN = sa.Table(
    "import_known",
    METADATA,
    sa.Column("folder_id", sa.Integer, primary_key=True),
    sa.Column("identity", sa.LargeBinary, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("made_with", sa.Text, nullable=False),
    sa.Column("item_id", sa.BigInteger, nullable=False),
    sa.Column("task_id", sa.Integer, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("import_known_bytes", "folder_id", "sha256"),
    sa.Index("import_known_item", "item_id"),
    sa.Index("import_known_task", "task_id"),
)
"""What import tasks brought into a folder, by reference: so a later one knows it again."""

DOCUMENTS = sa.Table(
    "collection_documents",
    METADATA,
    sa.Column("item_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("collection_id", sa.Integer, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("characters", sa.BigInteger, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Index("collection_documents_collection", "collection_id"),
)
"""Texts of items as they were read: `Document` as msgpack, compressed by zstd."""
