"""Carries out imports that were asked for over HTTP, one after the other, beside the requests.

Keeping a large file and reading the project anew take longer than an answer may. So an import is written down
(`orchestration/services/uploads/pending.py`), answered, and carried out here: all that wait are kept and declared, then the project is read anew once,
then their runs are started. Each step may be taken twice; a server that was killed in between goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from orchestration.services.access.actor import Actor, Role, Scope
from orchestration.services.questions.upload import KEEP, KEEP_IMAGES, START
from orchestration.services.reloading import reload_location
from orchestration.services.runs.start import Asked
from orchestration.services.site.site import Site
from orchestration.services.uploads.images import check_zip
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.pending import PendingImport, PendingImports
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import (
    ConflictError,
    ConnectorUnavailableError,
    InputError,
    UnknownNameError,
    WaybillError,
)
from resources.kernel.keys import IMAGE_FOLDER, check_name
from resources.stores.kept_uploads import GivenFile

POLL_SECONDS = 0.05
TRIES = 3
"""How often a process that was just being replaced is asked again."""
logger = logging.getLogger(__name__)


class Importer:
    """The imports of one server."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._projects = site.projects
        self._pending = PendingImports(site.home)
        self._incoming = IncomingUploads(site.home)
        self._task: asyncio.Task[None] | None = None

    async def ask(
        self,
        project: str,
        actor: Actor,
        upload_ids: Sequence[str],
        dataset: str,
        settings: UploadSettings,
    ) -> PendingImport:
        """Notes an import and begins with it; asked again with the same files it is the same import.

        Raises:
            ConfigError: a name or settings that cannot be.
            NotFoundError: a file that was not received, or not to its end.
            InputError: no file, or one that cannot be read; files that are imported as something else already.
        """
        if not upload_ids:
            raise InputError("there is no file to import", hint="Upload one first")
        check_name("dataset", dataset)
        settings.spec(dataset)
        return await self._begin(_pending(project, actor, upload_ids, dataset, settings))

    async def ask_images(
        self, project: str, actor: Actor, upload_id: str, name: str
    ) -> PendingImport:
        """The same of a ZIP that is to become an image folder.

        Raises:
            ConfigError: a name that cannot be.
            NotFoundError: a file that was not received, or not to its end.
            InputError: it is no ZIP; it is imported as something else already.
        """
        check_name(IMAGE_FOLDER, name)
        wanted = _pending(project, actor, [upload_id], name, UploadSettings())
        return await self._begin(replace(wanted, noun=IMAGE_FOLDER))

    async def _begin(self, wanted: PendingImport) -> PendingImport:
        found = await asyncio.to_thread(self._note, wanted)
        self.wake()
        return found

    def _note(self, wanted: PendingImport) -> PendingImport:
        for upload_id in wanted.files:
            self._incoming.state(upload_id, wanted.project)
            known = self._pending.read(upload_id)
            if known is not None and known.phase != "failed":
                if _aim(known) != _aim(wanted):
                    raise ConflictError(
                        f"the file is imported as {known.dataset} already", state=known.phase
                    )
                return known
            state, path = self._incoming.received(upload_id)
            if wanted.noun == IMAGE_FOLDER:
                check_zip([GivenFile(state.filename, path)])
            elif state.problem and not wanted.settings.format:
                raise InputError(state.problem)
        self._pending.write(wanted)
        return wanted

    def state(self, upload_id: str) -> PendingImport | None:
        """How far the import of a file is; None where none was asked for."""
        return self._pending.read(upload_id)

    async def wait(self, upload_id: str, seconds: float) -> PendingImport | None:
        """How far the import of a file is when nothing is left to be done, or the time is over."""
        end = time.monotonic() + seconds
        while True:
            found = await asyncio.to_thread(self._pending.read, upload_id)
            if found is None or not found.is_open or time.monotonic() >= end:
                return found
            await asyncio.sleep(POLL_SECONDS)

    def wake(self) -> None:
        """Goes on with what is to be done, if no other thread does."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while todo := await asyncio.to_thread(self._pending.open):
            for pending in [one for one in todo if one.phase == "waiting"]:
                await self._step(pending, self._keep)
            unknown = [
                one
                for one in await asyncio.to_thread(self._pending.open)
                if one.phase == "kept" and not await self._step(one, self._start)
            ]
            for project in {one.project for one in unknown}:
                await self._reload(project, [one for one in unknown if one.project == project])

    async def _step(self, pending: PendingImport, act: Any) -> bool:
        """Whether the next step was taken, or has failed for good."""
        try:
            await act(pending)
        except UnknownNameError as error:
            if error.facts.get("noun") == "dataset" and pending.phase == "kept":
                return False  # declared, and not read yet
            self._fail(pending, error)
        except WaybillError as error:
            self._fail(pending, error)
        except Exception as error:
            logger.exception("the import of upload %s ends", pending.upload_id)
            self._fail(pending, error)
        return True

    async def _keep(self, pending: PendingImport) -> None:
        given = {
            "upload_ids": list(pending.files),
            "name": pending.dataset,
            "upload_id": pending.upload_id,
        }
        if pending.noun == IMAGE_FOLDER:
            number = await self._ask(pending, KEEP_IMAGES, **given)
        else:
            settings = asdict(pending.settings)
            number = await self._ask(pending, KEEP, settings=settings, **given)
        await asyncio.to_thread(self._pending.write, pending.at("kept", upload=number))

    async def _start(self, pending: PendingImport) -> None:
        await self._ask(
            pending, START, name=pending.dataset, key=pending.key, upload=pending.upload
        )
        self._pending.write(pending.at("started"))
        for upload_id in pending.files:
            await asyncio.to_thread(self._incoming.forget_bytes, upload_id)

    async def _ask(self, pending: PendingImport, question: Any, **arguments: Any) -> Any:
        actor = _actor(pending)
        for turn in range(1, TRIES + 1):
            project = await self._projects.get(pending.project)
            try:
                return await project.asker(actor).ask(question, **arguments)
            except ConnectorUnavailableError:
                if turn == TRIES:
                    raise
                await asyncio.sleep(turn)
        raise AssertionError("unreachable: the last turn returns or raises")

    async def _reload(self, project: str, waiting: Sequence[PendingImport]) -> None:
        try:
            await reload_location((await self._projects.get(project)).socket)
        except WaybillError as error:
            for pending in waiting:
                self._fail(pending, error)
            return
        for pending in waiting:
            if not await self._step(pending, self._start):
                self._fail(pending, _left_out(pending))

    def _fail(self, pending: PendingImport, error: Exception) -> None:
        reason = str(error) if isinstance(error, WaybillError) else type(error).__name__
        self._pending.write(pending.at("failed", error=reason))


_IMPORTERS: dict[Path, Importer] = {}


def importer_of(site: Site) -> Importer:
    """The one importer of a home folder, at work if there is something to do."""
    found = _IMPORTERS.get(site.home.root)
    if found is None or found.site is not site:
        found = _IMPORTERS[site.home.root] = Importer(site)
    found.wake()
    return found


def _pending(
    project: str, actor: Actor, files: Sequence[str], name: str, settings: UploadSettings
) -> PendingImport:
    key = f"upload {files[0]}"
    return PendingImport(
        files[0],
        tuple(files),
        name,
        project,
        settings,
        {**asdict(actor), "scopes": sorted(actor.scopes)},
        key,
        Asked(actor.name, key).make_run_id(),
        asked_at=time.time(),
    )


def _aim(pending: PendingImport) -> tuple[object, ...]:
    """What files are to become."""
    return pending.files, pending.dataset, pending.noun


def _actor(pending: PendingImport) -> Actor:
    given = pending.actor
    scopes = frozenset(Scope(scope) for scope in given["scopes"])
    return Actor(given["name"], Role(given["role"]), scopes, given["via"], given["address"])


def _left_out(pending: PendingImport) -> WaybillError:
    return ConflictError(
        f"{pending.noun} {pending.dataset!r} was declared, but could not be loaded",
        hint="`waybill check` says why; what was uploaded is kept",
    )
