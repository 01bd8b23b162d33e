"""Import tasks: definitions, items, history; what targets know of earlier ones; texts of documents."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0008"
down_revision = "0007"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade(op: Operations) -> None:
    """Makes the tables."""
    _make_tasks(op)
    _make_items(op)
    _make_events(op)
    _make_known(op)
    _make_documents(op)


def _make_tasks(op: Operations) -> None:
    texts = ("project", "key", "name", "folded_name", "target_kind", "target", "folder", "source_kind", "source", "via",
             "asked_by", "definition", "state", "reason", "run_id", "run_ids")  # fmt: skip
    counts = ("worked_from", "total", "done", "skipped", "failed", "created", "updated", "unchanged", "duplicates")  # fmt: skip
    op.create_table(
        "import_tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("listed_at", sa.BigInteger, nullable=True),
        sa.Column("worked_at", sa.BigInteger, nullable=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in counts),
        sa.Column("remove_records", sa.Boolean, nullable=False),
        sa.UniqueConstraint("project", "key", name="import_tasks_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("import_tasks_state", "import_tasks", ["project", "state", "id"])


def _make_items(op: Operations) -> None:
    op.create_table(
        "import_task_items",
        sa.Column("task_id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("identity", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("target_item", sa.BigInteger, nullable=True),
    )
    op.create_index(
        "import_task_items_identity", "import_task_items", ["task_id", "identity"], unique=True
    )
    op.create_index("import_task_items_state", "import_task_items", ["task_id", "state", "number"])


def _make_events(op: Operations) -> None:
    op.create_table(
        "import_task_events",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("old_state", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("import_task_events_task", "import_task_events", ["task_id", "id"])


def _make_known(op: Operations) -> None:
    op.create_table(
        "import_known",
        sa.Column("folder_id", sa.Integer, primary_key=True),
        sa.Column("identity", sa.LargeBinary, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("made_with", sa.Text, nullable=False),
        sa.Column("item_id", sa.BigInteger, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("import_known_bytes", "import_known", ["folder_id", "sha256"])
    op.create_index("import_known_item", "import_known", ["item_id"])
    op.create_index("import_known_task", "import_known", ["task_id"])


def _make_documents(op: Operations) -> None:
    op.create_table(
        "collection_documents",
        sa.Column("item_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("output", sa.Text, nullable=False),
        sa.Column("characters", sa.BigInteger, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )
    op.create_index("collection_documents_collection", "collection_documents", ["collection_id"])
