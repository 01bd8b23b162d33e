"""Imports of received files that were asked for: written down first, so that none is forgotten when a process dies.

`<home>/incoming/received/<id>/import.json`, beside the first of the files. It stays for a day after its end, so that
its result can be asked for. A command that uploads files holds a lock instead, `<home>/locks/upload-<id>.lock`: it ends with the
command, however that ends.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from orchestration.services.home import Home
from orchestration.services.locks import hold, is_held, read_note
from orchestration.services.uploads.incoming import ASKED
from orchestration.services.uploads.settings import UploadSettings

_LOCK = "upload-"
Phase = Literal["waiting", "kept", "started", "failed"]


@dataclass(frozen=True)
class PendingImport:
    """What is to be imported for whom, and how far it is."""

    upload_id: str
    """Of the first file; the import goes by the same id."""
    files: tuple[str, ...]
    """Ids of all files, this one included."""
    dataset: str
    """What it becomes: the name of a dataset, or of an image folder."""
    project: str
    settings: UploadSettings
    actor: Mapping[str, Any]
    """Who asked."""
    key: str
    """The idempotency key of its run."""
    run_id: str
    """Known before the run is there: it is made of actor and key."""
    phase: Phase = "waiting"
    asked_at: float = 0
    """When: the files of a dataset become its versions in this order."""
    upload: int | None = None
    """The number of what was kept."""
    error: str = ""
    noun: str = "dataset"
    """What it becomes: a `dataset` or an `image folder`."""

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.phase in ("waiting", "kept")

    def at(self, phase: Phase, **changed: Any) -> PendingImport:
        """The same a step further."""
        return replace(self, phase=phase, **changed)


class PendingImports:
    """All imports of a home folder that were asked for."""

    def __init__(self, home: Home) -> None:
        self._folder = home.root / "incoming" / "received"

    def write(self, pending: PendingImport) -> None:
        """Makes a note of it, in place of what was noted before."""
        folder = self._folder / pending.upload_id
        scratch = folder / f".import-{secrets.token_hex(4)}"
        scratch.write_text(json.dumps(asdict(pending)), encoding="utf-8")
        scratch.replace(folder / ASKED)

    def read(self, upload_id: str) -> PendingImport | None:
        """What was asked for with this file as the first; None where nothing was."""
        return _read(self._folder / upload_id / ASKED)

    def open(self) -> list[PendingImport]:
        """Those with something still to do, in the order in which they were asked for."""
        return sorted((one for one in self.all() if one.is_open), key=lambda one: one.asked_at)

    def all(self) -> list[PendingImport]:
        """Those of the last day, whatever became of them."""
        found = (_read(path) for path in self._folder.glob(f"*/{ASKED}"))
        return [one for one in found if one is not None]


@contextmanager
def uploading(home: Home, dataset: str, upload_id: str) -> Iterator[None]:
    """Says, as long as the context or its process lives, that a command keeps files and has them imported.

    Args:
        home: where.
        dataset: that they become.
        upload_id: by which they are kept.
    """
    path = home.locks / f"{_LOCK}{upload_id}.lock"
    with hold(path, note=dataset):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


class ComingUploads:
    """What will be imported as a dataset while it is removed: what waits when the removal begins, or is asked for later.

    Args:
        home: where imports are noted.
        dataset: that is removed.

    Attributes:
        since: when the removal began: what is kept later may be imported already.
    """

    def __init__(self, home: Home, dataset: str) -> None:
        self._pending = PendingImports(home)
        self._locks = home.locks
        self._dataset = dataset
        self._since = time.time()
        self.since = datetime.now(UTC)
        noted = {one.upload_id for one in self._pending.open() if one.dataset == dataset}
        self._waiting = noted | self._commands()

    def ids(self) -> set[str]:
        """Ids of these uploads, as of now."""
        found = self._pending.all()
        later = [one for one in found if one.is_open or one.asked_at >= self._since]
        noted = {one.upload_id for one in later if one.dataset == self._dataset}
        return self._waiting | noted | self._commands()

    def _commands(self) -> set[str]:
        """Ids of what commands are uploading now."""
        return {
            path.stem.removeprefix(_LOCK)
            for path in self._locks.glob(f"{_LOCK}*.lock")
            if is_held(path) and read_note(path) == self._dataset
        }


def _read(path: Path) -> PendingImport | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = UploadSettings(**kept.pop("settings"))
        return PendingImport(**{**kept, "files": tuple(kept["files"])}, settings=settings)
    return None
