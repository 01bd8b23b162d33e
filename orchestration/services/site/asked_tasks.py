"""An import task that the server is asked for: its files kept, the task made, and started where that is wanted.

The same for the HTTP API and the pages. Nothing is kept of a task that cannot be.
"""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool

from orchestration.services.access.actor import Actor
from orchestration.services.import_tasks.asked import TaskOrder
from orchestration.services.import_tasks.received import ReceivedFiles, received_files
from orchestration.services.import_tasks.shown import ImportTask
from orchestration.services.questions.import_task import CHECK_NEW, CREATE, DECLARE
from orchestration.services.reloading import reload_location
from orchestration.services.site.noted import noted
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.import_tasks.definition import TargetKind, TaskDefinition, Via
from resources.kernel.errors import WaybillError

DECLARED_BY_TASKS: tuple[TargetKind, ...] = ("dataset", "image_folder")
"""Targets that need not be there: their first task declares them, as an upload would."""


async def create_asked(
    site: Site, project: Project, actor: Actor, wanted: TaskOrder, *, via: Via, key: str = ""
) -> ImportTask:
    """Makes a task; asked once more with the same key it is the same one.

    Args:
        site: whose server it is.
        project: that has its target.
        actor: who asks.
        wanted: the task.
        via: how it was asked for.
        key: the asker's own.

    Raises:
        InputError: what cannot be of it; the key was used for another task.
        NotFoundError: no such upload.
        ConflictError: an upload is still on its way.
        UnknownNameError: no such target or connector.
        StorageError: no room for its files.
    """
    received, definition = await run_in_threadpool(_looked_at, site, project, wanted)
    await _declare(project, actor, definition)
    handed_in = await run_in_threadpool(received.keep)
    asking = project.asker(actor).ask(
        CREATE,
        definition=msgspec.to_builtins(definition),
        start=wanted.start,
        via=via,
        key=key,
    )
    subject = f"imports/{definition.target.name}"
    try:
        found = await noted(site, actor, "import.create", subject, asking, definition.name)
    except WaybillError:
        await run_in_threadpool(received.take_back, handed_in)
        raise
    await run_in_threadpool(received.forget, site.home, handed_in)
    return found


async def check_new_collection(
    site: Site, project: Project, actor: Actor, wanted: TaskOrder
) -> None:
    """Nothing, where the task could be made once its collection is declared with as much as it needs. Nothing is written.

    Raises:
        InputError: what cannot be of it.
        NotFoundError: no such upload.
        UnknownNameError: no such connector.
    """
    _, definition = await run_in_threadpool(_looked_at, site, project, wanted)
    await project.asker(actor).ask(CHECK_NEW, definition=msgspec.to_builtins(definition))


async def _declare(project: Project, actor: Actor, definition: TaskDefinition) -> None:
    """Has a target declared that comes into being by its first files, and the project read anew."""
    if definition.target.kind not in DECLARED_BY_TASKS:
        return
    given = msgspec.to_builtins(definition)
    if await project.asker(actor).ask(DECLARE, definition=given):
        await reload_location(project.socket)


def _looked_at(
    site: Site, project: Project, wanted: TaskOrder
) -> tuple[ReceivedFiles, TaskDefinition]:
    received = received_files(site.home, project.name, wanted.uploads)
    return received, wanted.definition(received.files)
