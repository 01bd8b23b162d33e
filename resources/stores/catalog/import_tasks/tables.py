"""The tables of import tasks as SQLAlchemy sees them; a test compares them with what the migrations make.

Times are microseconds since 1970 in UTC. Counts stand in the row of the task: a list reads nothing else.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TASKS = sa.Table(
    "import_tasks",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folded_name", sa.Text, nullable=False),
    sa.Column("target_kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("source_kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("run_ids", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=True),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("listed_at", sa.BigInteger, nullable=True),
    sa.Column("worked_at", sa.BigInteger, nullable=True),
    sa.Column("worked_from", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("skipped", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("updated", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("duplicates", sa.Integer, nullable=False),
    sa.Column("remove_records", sa.Boolean, nullable=False),
    sa.UniqueConstraint("project", "key", name="import_tasks_key"),
    sa.Index("import_tasks_state", "project", "state", "id"),
    sqlite_autoincrement=True,
)
LISTED = tuple(column for column in TASKS.c if column.name != "definition")
"""What is read of a task where nobody asks what it was told: all but its definition, which may have 13,000 files."""

ITEMS = sa.Table(
    "import_task_items",
    METADATA,
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
    sa.Index("import_task_items_identity", "task_id", "identity", unique=True),
    sa.Index("import_task_items_state", "task_id", "state", "number"),
)

EVENTS = sa.Table(
    "import_task_events",
    METADATA,
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
    sa.Index("import_task_events_task", "task_id", "id"),
    sqlite_autoincrement=True,
)
