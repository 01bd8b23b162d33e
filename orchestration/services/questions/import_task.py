"""Questions about import tasks: those that need the loaded project."""

from __future__ import annotations

from typing import Any

from orchestration.imports.collection import check_new_collection
from orchestration.services.access.audit import audited
from orchestration.services.asking.question import Desk, Question
from orchestration.services.import_tasks.new_targets import declaration_of_target, declare_target
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.import_tasks.starting import (
    create_task,
    retry_task,
    start_all,
    start_task,
)
from orchestration.services.import_tasks.steering import Answered
from resources.import_tasks.definition import Via, parse_definition
from resources.project import find_project
from resources.stores.catalog.database import CatalogDatabase

SECONDS = 600.0
"""A thousand tasks are started one after the other."""


def _create(
    desk: Desk, definition: dict[str, Any], via: Via, start: bool = False, key: str = ""
) -> ImportTask:
    return create_task(desk.workplace(key), parse_definition(definition), start=start, via=via)


def _declare(desk: Desk, definition: dict[str, Any]) -> bool:
    given = parse_definition(definition)
    wanted = declaration_of_target(desk.location, given)
    if wanted is None:
        return False
    subject = f"datasets/{given.target.name}"
    with audited(CatalogDatabase.open(), desk.actor, "import.create", subject) as noted:
        noted.detail, noted.after = "declared for an import task", wanted
        return declare_target(find_project(), desk.location, given)


def _check_new(desk: Desk, definition: dict[str, Any]) -> str:
    given = parse_definition(definition)
    check_new_collection(desk.location, given)
    return given.target.name


def _start(desk: Desk, task_id: int, key: str = "") -> ImportTask:
    return start_task(desk.workplace(key), task_id)


def _retry(desk: Desk, task_id: int, key: str = "") -> ImportTask:
    return retry_task(desk.workplace(key), task_id)


def _start_all(desk: Desk, ids: list[int]) -> tuple[Answered, ...]:
    return start_all(desk.workplace(), ids)


DECLARE = Question("import_task.declare", _declare, bool)
"""Asked before `CREATE`; yes: something was written, and the project is to be read anew first."""
CHECK_NEW = Question("import_task.check_new", _check_new, str)
"""Asked before a collection is declared for a task: what that could not bring in then is refused while nothing is written."""
CREATE = Question("import_task.create", _create, ImportTask)
START = Question("import_task.start", _start, ImportTask)
RETRY = Question("import_task.retry", _retry, ImportTask)
START_ALL: Question[tuple[Answered, ...]] = Question(
    "import_task.start_all", _start_all, tuple[Answered, ...], seconds=SECONDS
)
QUESTIONS = (DECLARE, CHECK_NEW, CREATE, START, RETRY, START_ALL)
"""What may be asked of tasks."""
