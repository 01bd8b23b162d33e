"""Import tasks: made, their states changed by compare-and-set with actor and time, ended, removed.

`items.py` has the items, `listing.py` finds tasks, `collecting.py` brings items into collections.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from resources.import_tasks.definition import described, kind_of_source
from resources.import_tasks.states import ENDS, GOING, WORKING, TaskAction, TaskEvent, TaskState
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks import changing
from resources.stores.catalog.import_tasks.changing import (
    StateChange,
    find_locked,
    known_task,
    locked_task,
)
from resources.stores.catalog.import_tasks.records import (
    StoredEvent,
    StoredTask,
    TaskRequest,
    to_event,
    to_task,
)
from resources.stores.catalog.import_tasks.tables import EVENTS, ITEMS, LISTED, TASKS

_REMOVED_AT_ONCE = 10_000


class ImportTaskCatalog:
    """All import tasks of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def create(self, new: TaskRequest) -> StoredTask:
        """Writes a task down, not started; the same key is the same task.

        Raises:
            InputError: the key was used for another task.
        """
        definition = msgspec.json.encode(new.definition).decode()
        with self.database.write() as connection:
            made = connection.execute(_INSERT, _values(new, definition)).rowcount == 1
            chosen = sa.select(TASKS.c.id, TASKS.c.definition).where(
                TASKS.c.project == new.project, TASKS.c.key == new.key
            )
            task_id, kept = connection.execute(chosen).one()
            if kept != definition:
                raise InputError(
                    f"the idempotency key was used for another import task before: {task_id}",
                    hint="Give each task a key of its own",
                    task_id=task_id,
                )
            stored = known_task(connection, task_id)
            if made:
                changing.note(connection, stored, StateChange("create", new.asked_by), old_state="")
            return stored

    def find(self, task_id: int, project: str = "") -> StoredTask:
        """A task with its definition.

        Raises:
            NotFoundError: there is none, or it is of another project.
        """
        with self.database.read() as connection:
            return known_task(connection, task_id, project)

    def state(self, task_id: int) -> tuple[TaskState, str] | None:
        """The state of a task and the run that it is in the hands of; None: it is gone."""
        chosen = sa.select(TASKS.c.state, TASKS.c.run_id).where(TASKS.c.id == task_id)
        with self.database.read() as connection:
            row = connection.execute(chosen).one_or_none()
        return None if row is None else (row[0], row[1])

    def act(
        self,
        task_id: int,
        action: TaskAction,
        actor: str,
        *,
        project: str = "",
        run_id: str = "",
        remove_records: bool = False,
    ) -> StoredTask:
        """Does to a task what is asked for, as the table of states says.

        Args:
            task_id: of the task.
            action: what is asked for.
            actor: who asks.
            project: that the task has to be of; empty: any.
            run_id: of start and retry: the run that is to work on it.
            remove_records: of delete: whether what it brought in goes too.

        Raises:
            NotFoundError: there is no such task.
            TransitionError: its state does not allow that; tells it.
        """
        change = StateChange(action, actor, run_id)
        with self.database.write() as connection:
            stored = locked_task(connection, task_id, project)
            changing.act(connection, stored, action, change, remove_records=remove_records)
            return known_task(connection, task_id)

    def begin(
        self, task_id: int, run_id: str, actor: str, *, is_repeated: bool = False
    ) -> StoredTask | None:
        """A run takes a task up. One that was not started for this run is started by it where its state allows that.

        Args:
            task_id: of the task.
            run_id: of the run.
            actor: who asked for it.
            is_repeated: whether nobody asked, but Dagster tries a run again: a task that was stopped stays so.

        Returns:
            The task as it is to be worked on; None: there is nothing to do, it is gone, being deleted, completed, or stays stopped.

        Raises:
            TransitionError: it is in the hands of another run.
        """
        with self.database.write() as connection:
            stored = find_locked(connection, task_id)
            if stored is None:
                return None
            change = StateChange("start", actor, run_id)
            if not changing.take_up(connection, stored, change, is_repeated=is_repeated):
                return None
            return known_task(connection, task_id)

    def end(
        self, task_id: int, event: TaskEvent, *, run_id: str, actor: str, reason: str = ""
    ) -> StoredTask | None:
        """Notes how a run of a task ended; nothing where the task is no longer in its hands.

        Returns:
            The task; None: it is gone.
        """
        with self.database.write() as connection:
            stored = find_locked(connection, task_id)
            if stored is None:
                return None
            if stored.state in WORKING and stored.run_id == run_id:
                to = ENDS[stored.state][event]
                changing.move(connection, stored, to, StateChange(event, actor, run_id, reason))
            return known_task(connection, task_id)

    def working(self, project: str = "") -> list[StoredTask]:
        """The tasks that a run works on or that are being deleted, of one project or of all, oldest first."""
        if not self.database.exists():
            return []
        chosen = sa.select(*LISTED).where(TASKS.c.state.in_(GOING))
        if project:
            chosen = chosen.where(TASKS.c.project == project)
        with self.database.read() as connection:
            return [to_task(row) for row in connection.execute(chosen.order_by(TASKS.c.id))]

    def events(self, task_id: int) -> list[StoredEvent]:
        """What happened to a task, oldest first."""
        chosen = sa.select(EVENTS).where(EVENTS.c.task_id == task_id).order_by(EVENTS.c.id)
        with self.database.read() as connection:
            return [to_event(row) for row in connection.execute(chosen)]

    def remove(self, task_id: int, actor: str) -> None:
        """Takes a task that is being deleted out, with its items; what it brought in stays.

        Items go in lots, so that others may write meanwhile; begun again it goes on.
        """
        while self._remove_items(task_id):
            pass
        with self.database.write() as connection:
            stored = locked_task(connection, task_id)
            changing.note(connection, stored, StateChange("remove", actor), old_state=stored.state)
            connection.execute(
                sa.delete(TASKS).where(TASKS.c.id == task_id, TASKS.c.state == "deleting")
            )

    def ids(self) -> set[int]:
        """The ids of all tasks."""
        if not self.database.exists():
            return set()
        with self.database.read() as connection:
            return set(connection.execute(sa.select(TASKS.c.id)).scalars())

    def _remove_items(self, task_id: int) -> int:
        some = (
            sa.select(ITEMS.c.number)
            .where(ITEMS.c.task_id == task_id)
            .order_by(ITEMS.c.number)
            .limit(_REMOVED_AT_ONCE)
        )
        with self.database.write() as connection:
            numbers: Sequence[int] = connection.execute(some).scalars().all()
            if numbers:
                connection.execute(
                    sa.delete(ITEMS).where(
                        ITEMS.c.task_id == task_id, ITEMS.c.number <= numbers[-1]
                    )
                )
        return len(numbers)


_INSERT = sa.text(
    "INSERT INTO import_tasks (project, key, name, folded_name, target_kind, target, folder, source_kind,"
    " source, via, asked_by, definition, state, reason, run_id, run_ids, created_at, changed_at,"
    " worked_from, total, done, skipped, failed, created, updated, unchanged, duplicates, remove_records)"
    " VALUES (:project, :key, :name, :folded_name, :target_kind, :target, :folder, :source_kind,"
    " :source, :via, :asked_by, :definition, 'not_started', '', '', '[]', :now, :now,"
    " 0, 0, 0, 0, 0, 0, 0, 0, 0, :no)"
    " ON CONFLICT (project, key) DO NOTHING"
)


def _values(new: TaskRequest, definition: str) -> dict[str, object]:
    given = new.definition
    return {
        "project": new.project,
        "key": new.key,
        "name": given.name,
        "folded_name": given.name.casefold(),
        "target_kind": given.target.kind,
        "target": given.target.name,
        "folder": given.target.folder,
        "source_kind": kind_of_source(given.source),
        "source": described(given.source),
        "via": new.via,
        "asked_by": new.asked_by,
        "definition": definition,
        "now": now(),
        "no": False,
    }
