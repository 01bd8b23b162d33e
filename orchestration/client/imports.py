"""Import tasks of a project: made of files, pages or what lies in a connector, started, watched, stopped, looked into."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.client.transport import Transport
from orchestration.client.uploads import Uploads
from resources.kernel.errors import ConflictError, ConnectorUnavailableError, InputError

if TYPE_CHECKING:
    from orchestration.services.import_tasks.formats import TakenFormats
    from orchestration.services.import_tasks.shown import ImportTask, ItemLine
    from orchestration.services.import_tasks.steering import Answered

POLL_SECONDS = 0.5
_AT_WORK = ("importing", "stopping", "deleting")


@dataclass(frozen=True)
class Imports:
    """The import tasks of a project.

    Args:
        transport: how the server is asked.
        base: the project's place.
    """

    transport: Transport
    base: str

    def create(
        self,
        into: str,
        *,
        files: Sequence[str | Path] = (),
        addresses: Sequence[str] = (),
        start: bool = False,
        key: str = "",
        **more: Any,
    ) -> ImportTask:
        r"""Makes a task; files are sent first.

        Args:
            into: name of the target, a collection unless `kind` says otherwise.
            files: files of this machine, each an item of its own.
            addresses: or pages, each beginning with `https://`.
            start: whether it is started at once.
            key: makes it safe to ask again: the same key is the same task.
            more: `kind`, `folder`, `name`; `sitemap`, `crawl`; `connector` and `path`; every other one is an option, as the HTTP API
                has it: `ocr=True`, `output="markdown"`, `fields=[{"key": "year", "source": "path", "pattern": "(\d{4})"}]`.

        Raises:
            InputError: what cannot be of it.
            UnknownNameError: no such target or connector.
        """
        target = {"kind": more.pop("kind", "collection"), "folder": more.pop("folder", "")}
        task = {
            "name": more.pop("name", ""),
            "target": {**target, "name": into},
            "source": self._source(files, addresses, more),
            "options": more,
            "start": start,
        }
        return self._send("POST", "", task, key=key)

    def list(self, **filters: Any) -> Iterator[ImportTask]:
        """Tasks, the newest first; filters as in the API: `state` (one or a list), `q`, `target_kind`, `target`, `sort`."""
        from orchestration.services.import_tasks.shown import ImportTask

        return self.transport.pages(self._path, ImportTask, **filters)

    def show(self, task_id: int) -> ImportTask:
        """A task as it stands: state, counts, what it was told, who did what when."""
        from orchestration.services.import_tasks.shown import ImportTask

        return self.transport.get(f"{self._path}/{task_id}", ImportTask)

    def start(self, task_id: int, *, key: str = "") -> ImportTask:
        """Starts a task; one that was stopped goes on with what is not done.

        Raises:
            ConflictError: its state does not allow that; the facts have it.
        """
        return self._send("POST", f"/{task_id}/start", key=key)

    def stop(self, task_id: int) -> ImportTask:
        """Stops a task within seconds; what is done stays.

        Raises:
            ConflictError: no run is at work on it.
        """
        return self._send("POST", f"/{task_id}/stop")

    def retry(self, task_id: int, *, key: str = "") -> ImportTask:
        """Tries what failed once more.

        Raises:
            ConflictError: nothing failed, or it is at work.
        """
        return self._send("POST", f"/{task_id}/retry", key=key)

    def delete(self, task_id: int, *, remove_records: bool = False) -> None:
        """Deletes a task with its uploads; one at work is stopped first.

        Args:
            task_id: which.
            remove_records: whether what it imported goes too.
        """
        asked = f"/{task_id}?remove_records={str(remove_records).lower()}"
        self.transport.raw("DELETE", f"{self._path}{asked}", again=False).close()

    def start_all(self, ids: Sequence[int]) -> Sequence[Answered]:
        """Starts several tasks; each is answered for itself."""
        return self._several("start", ids)

    def stop_all(self, ids: Sequence[int]) -> Sequence[Answered]:
        """Stops several tasks; each is answered for itself."""
        return self._several("stop", ids)

    def delete_all(self, ids: Sequence[int], *, remove_records: bool = False) -> Sequence[Answered]:
        """Deletes several tasks; each is answered for itself."""
        return self._several(f"delete?remove_records={str(remove_records).lower()}", ids)

    def items(self, task_id: int, **filters: Any) -> Iterator[ItemLine]:
        """What became of each item; filters as in the API: `state`, `q`."""
        from orchestration.services.import_tasks.shown import ItemLine

        return self.transport.pages(f"{self._path}/{task_id}/items", ItemLine, **filters)

    def failures(self, task_id: int) -> Iterator[ItemLine]:
        """What failed: the rule, the reason, how often it was tried."""
        from orchestration.services.import_tasks.shown import ItemLine

        return self.transport.pages(f"{self._path}/{task_id}/failures", ItemLine)

    def formats(self) -> TakenFormats:
        """What a task takes, and its limits."""
        from orchestration.services.import_tasks.formats import TakenFormats

        return self.transport.get(f"{self._path}/-/formats", TakenFormats)

    def wait(self, task_id: int, seconds: float = 3600.0) -> ImportTask:
        """The task, once it is completed; items of it may have failed, which its counts say.

        Raises:
            ConflictError: it failed, was stopped, or was never started; with the reason.
            ConnectorUnavailableError: it has not ended in time; it goes on.
            NotFoundError: it was deleted meanwhile.
        """
        end = time.monotonic() + seconds
        while (found := self.show(task_id)).state in _AT_WORK:
            if time.monotonic() > end:
                raise ConnectorUnavailableError(
                    f"import task {task_id} has not ended in {seconds:g} s",
                    hint="It goes on: wait again",
                )
            time.sleep(POLL_SECONDS)
        if found.state != "completed":
            raise ConflictError(
                f"import task {task_id} is {found.state_title.lower()}: {found.reason or 'no reason was given'}",
                hint=found.next_step,
                state=found.state,
            )
        return found

    def _source(
        self, files: Sequence[str | Path], addresses: Sequence[str], more: dict[str, Any]
    ) -> Mapping[str, Any]:
        kinds = {
            "upload": bool(files),
            "web": bool(addresses) or "sitemap" in more,
            "connector": "connector" in more,
        }
        if sum(kinds.values()) != 1:
            raise InputError(
                "a task has one source", hint="Give files, or addresses, or connector and path"
            )
        if files:
            uploads = Uploads(self.transport, self.base)
            return {"type": "upload", "uploads": [uploads.send(Path(file)) for file in files]}
        names = ("connector", "path") if "connector" in more else ("sitemap", "crawl")
        own = {name: more.pop(name) for name in names if name in more}
        pages = {} if "connector" in own else {"addresses": list(addresses)}
        return {"type": "connector" if "connector" in own else "web", **pages, **own}

    def _send(self, method: str, path: str, body: Any = None, *, key: str = "") -> ImportTask:
        from orchestration.services.import_tasks.shown import ImportTask

        return self.transport.send(method, f"{self._path}{path}", ImportTask, body, key=key)

    def _several(self, act: str, ids: Sequence[int]) -> Sequence[Answered]:
        from orchestration.services.import_tasks.steering import Answered

        answered = tuple[Answered, ...]
        return self.transport.send("POST", f"{self._path}/-/{act}", answered, {"ids": list(ids)})

    @property
    def _path(self) -> str:
        return f"{self.base}/imports"
