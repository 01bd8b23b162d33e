"""The writer's half of the protocol (2a): data first, manifest last, a number created exclusively.

1. Data files are written into a folder of the run's own and made durable.
2. The manifests not looked at yet are searched for this run id: found means done, nothing is written. A damaged one
   is passed over with a warning; its number stays taken.
3. The own files are listed and their sizes compared with the plan.
4. The manifest with number last + 1 is created exclusively; taken: again from 2. One that replaces partitions takes
   the files of the others from version `last`, read anew in each turn (`partitions.py`).
5. Is it not the newest, the collection must not have come as far: it writes down up to which number it goes before it
   removes any (`retention_log.py`). A number at or below that, or with a gap above, means that this writer stalled while
   others published and old versions were collected, and that it has just reused a removed number: it takes the manifest back
   and starts again from 2. One that a tag keeps was given in its turn, since no other can be tagged there.

When all versions were removed on request (`removal.py`), a mark tells up to which number: counting goes on above it. A
writer that finds its own number at or below it, or the version that it took partitions from removed, takes its
manifest back and starts again.

**What holds.** A reader sees a version whole or not at all; of writers of one item each gets a number of its own; a run
that is tried again finds the version that it has made. A kill at any moment leaves the version before, or the new one.

**Why.** The one step that can be seen is the creation of the manifest, which the file system or the bucket lets only one
writer do. Everything before it is data that no manifest names, and so nothing that a reader looks at.

**When it is lost.** A run that works for longer than the grace period of collection (a day) after its last file may lose its
data before it publishes; step 3 notices that, and the run fails (`GoneError`). A file system or bucket without exclusive creation is
refused when the store is opened or first written to.

**What it costs.** One listing and the manifests that are new since the last look, one creation; again for each other
writer that was faster. Data of killed runs lies there until it is collected.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from resources.kernel.errors import ConflictError, GoneError, InputError, WaybillError
from resources.kernel.records import StoredFile
from resources.stores.manifest import Manifest, json_properties, schema_texts
from resources.stores.manifest_log import ManifestLog
from resources.stores.partitions import Replaced, in_order, united_schema
from resources.stores.storage import sizes_in, storage_error

_logger = logging.getLogger(__name__)
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_TRIES = 1_000
_CLAIMS = 10_000


@dataclass(frozen=True)
class VersionPlan:
    """What a version will say, but for its number."""

    files: tuple[StoredFile, ...]
    rows: int | None
    schema: pa.Schema | None
    properties: dict[str, object]
    replaced: Replaced | None


def check_run_id(run_id: str) -> None:
    """Refuses what cannot be part of a path.

    Raises:
        InputError: anything but letters, digits, `_`, `.`, `-`.
    """
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id:
        raise InputError(
            f"{run_id[:120]!r} cannot be a run id",
            hint="Use letters, digits, '_', '.', '-', at most 100",
        )


class Publisher:
    """Writes one version of an item, for one attempt of one run; a context manager.

    Sealing runs in the background, beside the writing of the next file. Leaving the context without `publish`
    removes what was written. Two publishers of one run id publish once between them (R3).
    """

    def __init__(
        self, log: ManifestLog, run_id: str, attempt: int = 0, *, sealers: int = 1
    ) -> None:
        check_run_id(run_id)
        self._sealers = sealers
        self._log = log
        self._storage = log.storage
        self._run_id = run_id
        self._attempt = attempt
        self._folder: str | None = None
        self._staging: Path | None = None
        self._names: dict[str, str | None] = {}
        self._sealed: list[Future[StoredFile]] = []
        self._sealer = ThreadPoolExecutor(self._sealers, thread_name_prefix="seal")
        self._published: Manifest | None = None
        self._tried: int | None = None
        self.partition: str | None = None
        """The partition that files named from now on belong to."""
        self._beside_damage = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sealer.shutdown(wait=True, cancel_futures=True)
        if not self._owns_published() and not self._may_be_there():
            self._discard()
        if self._staging is not None:
            self._storage.release_staging(self._staging)

    def new_file(self, name: str) -> Path:
        """A local path to write the file `name` to; hand it to `seal` when it is whole."""
        if not _FILE_NAME.fullmatch(name) or name in self._names:
            raise InputError(f"{name[:120]!r} cannot name another file of {self._log.name}")
        path = self.folder / name
        self._names[name] = self.partition
        return path

    @property
    def folder(self) -> Path:
        """The local folder that new files are written into."""
        if self._staging is None:
            self._claim()
        assert self._staging is not None  # noqa: S101 - for the type checker: `_claim` sets it
        return self._staging

    def seal(self, path: Path, rows: int | None = None, sha256: str = "") -> None:
        """Takes a finished file over: hash, fsync, upload, in the background.

        What goes wrong there is raised by `publish`.

        Args:
            path: from `new_file`.
            rows: of a table.
            sha256: of its bytes, where that is known; else they are read.
        """
        self._sealed.append(self._sealer.submit(self._seal, path, rows, sha256))

    def reset(self) -> None:
        """Throws away what was written so far."""
        for future in self._sealed:
            future.cancel()
        self._sealer.shutdown(wait=True)
        self._sealer = ThreadPoolExecutor(self._sealers, thread_name_prefix="seal")
        self._discard()
        if self._staging is not None:
            self._storage.release_staging(self._staging)
        self._folder, self._staging = None, None
        self._sealed, self._names, self.partition = [], {}, None

    def publish(
        self,
        *,
        rows: int | None = None,
        schema: pa.Schema | None = None,
        properties: Mapping[str, Any] | None = None,
        replaced: Replaced | None = None,
    ) -> Manifest:
        """Makes the sealed files the newest version, unless this run has published already.

        Args:
            rows: of the whole version; the sum over its files when left out.
            schema: of a table.
            properties: provenance and facts that JSON can hold.
            replaced: the partitions that the files are; those of all others stay. None replaces everything.

        Raises:
            SchemaMismatchError: partitions with other columns or types than those that stay.
            IntegrityError: partitions cannot be told from the newest version, because its manifest is damaged.
            StorageError: a file could not be written or uploaded (E7, E8, E58).
            GoneError: the own files were collected meanwhile: the run took longer than the grace period.
            InputError: properties that JSON cannot hold.
            ConflictError: 1,000 numbers in a row were taken by others.
        """
        if self._published is not None:
            return self._published
        files = tuple(future.result() for future in self._sealed)
        counts = [file.rows for file in files if file.rows is not None]
        plan = VersionPlan(
            files=files,
            rows=sum(counts) if rows is None and counts else rows,
            schema=schema,
            properties=json_properties(properties or {}),
            replaced=replaced,
        )
        self._published = self._append(plan)
        if self._owns_published():
            self._discard_earlier_attempts()
        return self._published

    def _append(self, plan: VersionPlan) -> Manifest:
        checked: set[int] = set()
        for _ in range(_TRIES):
            numbers, removed = self._log.listed()
            if done := self._find_own([n for n in numbers if n not in checked]):
                return done
            checked.update(numbers)
            self._check_files(plan.files)
            base = self._base(plan, numbers)
            if plan.replaced and numbers and base is None:
                continue  # superseded and collected meanwhile: there is a newer one
            manifest = self._manifest(max([*numbers, removed]) + 1, plan, base)
            self._tried = manifest.number
            if not self._log.create(manifest):
                self._tried = None
            elif self._keeps_number(manifest, base):
                return manifest
        raise ConflictError(
            f"{self._log.name}: {_TRIES} version numbers in a row were taken by other runs",
            hint="Run it again when fewer runs write this item",
        )

    def _base(self, plan: VersionPlan, numbers: list[int]) -> Manifest | None:
        """The version that files are taken from, read anew in each turn."""
        return self._log.read(numbers[-1]) if plan.replaced and numbers else None

    def _find_own(self, numbers: list[int]) -> Manifest | None:
        runs, damage = self._log.run_ids(numbers)
        own = [number for number, run_id in runs.items() if run_id == self._run_id]
        manifests, own_damage = self._log.read_undamaged(own)
        for error in [*damage, *own_damage]:
            self._beside_damage = True
            _logger.warning("%s: %s", self._log.name, error)
        return next(iter(manifests), None)

    def _may_be_there(self) -> bool:
        """Whether a manifest whose creation was answered by an error may exist all the same: its data has to stay."""
        if self._tried is None:
            return False
        try:
            return not self._storage.is_local or self._tried in self._log.numbers()
        except WaybillError:
            return True

    def _keeps_number(self, manifest: Manifest, base: Manifest | None) -> bool:
        number = manifest.number
        numbers, removed = self._log.listed()
        is_removed = number <= removed or (
            base is not None and base.number <= removed and base.number not in numbers
        )
        # Not among them: superseded and collected already, it was the newest in its turn.
        if not is_removed and (number not in numbers or number == numbers[-1]):
            return True
        if not is_removed and _is_rightful(self._log, number, numbers):
            return True
        self._log.remove(number)
        self._tried = None
        return False

    def _manifest(self, number: int, plan: VersionPlan, base: Manifest | None) -> Manifest:
        files, rows, schema, replaced = plan.files, plan.rows, plan.schema, plan.replaced
        if replaced is not None and base is not None:
            kept = replaced.kept_files(base)
            files = in_order([*kept, *files])
            rows = sum(file.rows or 0 for file in files)
            if schema is not None:
                schema = united_schema(base, kept, schema, replaced, where=self._log.name)
        return Manifest(
            number=number,
            run_id=self._run_id,
            created_at=datetime.now(UTC),
            files=files,
            rows=rows,
            schema=schema_texts(schema),
            properties=plan.properties,
            partitioned_by=replaced.partitioned_by if replaced else None,
            arrow_schema=schema,
        )

    def _check_files(self, files: tuple[StoredFile, ...]) -> None:
        if not files or self._folder is None:
            return
        sizes = sizes_in(self._storage, self._log.item_path(self._folder))
        for file in files:
            if sizes.get(file.path.rpartition("/")[2]) != file.size_bytes:
                raise GoneError(
                    f"{self._storage.locate(self._log.item_path(file.path))} was removed or changed"
                    f" before run {self._run_id} published",
                    hint="Nothing was published; run it again. The grace period of the collection"
                    " must be at least twice the longest run",
                )

    def _claim(self) -> None:
        for turn in range(1, _CLAIMS):
            suffix = "" if turn == 1 else f".{turn}"
            folder = f"data/{self._run_id}-{self._attempt}{suffix}"
            if self._storage.claim_folder(self._log.item_path(folder)):
                self._folder = folder
                self._staging = self._storage.staging_folder(self._log.item_path(folder))
                return
        raise ConflictError(
            f"{self._log.name}: run {self._run_id} has {_CLAIMS} data folders already",
            hint="Collect what killed runs left",
        )

    def _seal(self, path: Path, rows: int | None, sha256: str) -> StoredFile:
        try:
            with path.open("rb") as file:
                digest = sha256 or hashlib.file_digest(file, "sha256").hexdigest()
                size = file.seek(0, 2)
        except OSError as error:
            raise storage_error(error, path, "reading back") from error
        relative = f"{self._folder}/{path.name}"
        self._storage.store(self._log.item_path(relative), path, digest, is_read=not sha256)
        return StoredFile(relative, size, digest, rows, self._names[path.name])

    def _owns_published(self) -> bool:
        version, folder = self._published, self._folder
        if version is None or folder is None:
            return False
        return any(file.path.startswith(f"{folder}/") for file in version.files)

    def _discard(self) -> None:
        if self._folder is not None:
            self._storage.remove_folder(self._log.item_path(self._folder))

    def _discard_earlier_attempts(self) -> None:
        if self._attempt == 0 or self._beside_damage:
            return  # a damaged manifest may name the earlier attempt's files: once restored it needs them
        pattern = re.compile(rf"{re.escape(self._run_id)}-(\d+)(\.\d+)?")
        for name in self._storage.data_folders(self._log.data_path):
            match = pattern.fullmatch(name)
            if match and int(match[1]) < self._attempt:
                self._storage.remove_folder(f"{self._log.data_path}/{name}")


def _is_rightful(log: ManifestLog, number: int, numbers: list[int]) -> bool:
    """Whether a number that is not the newest was never given before."""
    said = log.retention.read()
    above = [n for n in numbers if n >= number]
    is_whole = above == list(range(number, number + len(above)))
    return said.keeps(number) or (number > said.floor and is_whole)
