"""Files on their way in: received in pieces, in any number of requests, until they are whole.

```
<home>/incoming/receiving/<id>/state.json   what was announced
                              /bytes        what has come; its length is the offset
<home>/incoming/received/<id>/...           the same when it is whole: one rename
```
Ids are random and name the folders; what users call their files stands in `state.json` alone. A writer holds a
lock on `bytes`, so there is one writer at a time and none that a killed process leaves behind. What was not continued
for a day is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.services.home import Home
from orchestration.services.uploads.hashing import RunningHashes
from orchestration.services.uploads.limits import check_count, check_room, check_size, upload_limit
from orchestration.services.uploads.names import shown_name, tells_format
from orchestration.services.uploads.writer import IncomingWriter, locked, settle
from resources.formats.first_bytes import check_first_bytes
from resources.kernel.errors import ConflictError, NotFoundError, WaybillError
from resources.stores.stamps import stamp_of
from resources.stores.storage import storage_error

KEEP = timedelta(days=1)
KEEP_ASKED = timedelta(days=30)
"""Of a file whose import was asked for, should the server stand still meanwhile."""
ASKED = "import.json"
"""The note of such an import, beside the file; see `orchestration/services/uploads/pending.py`."""
PART_OF = "part_of"
"""In the note of a file: of which table it is. All files of a table have the same there, or the id of its first file."""
_LOOK_EVERY_SECONDS = 600.0
_ID = re.compile(r"[0-9a-f]{32}")
_RECEIVING, _RECEIVED = "receiving", "received"
_HASHES = RunningHashes()


@dataclass(frozen=True)
class Incoming:
    """A file on its way in."""

    upload_id: str
    filename: str
    """Without folders and control characters."""
    size_bytes: int | None
    """As announced; None while it is unknown."""
    offset: int
    """How many bytes have come."""
    by: str
    project: str
    created_at: datetime
    expires_at: datetime
    is_received: bool = False
    problem: str = ""
    """Why it cannot be imported, where that is seen at its first bytes."""
    note: Mapping[str, str] = field(default_factory=dict)
    """What its sender wants to find again."""
    sha256: str = ""
    """Of one that is whole, where it came through one process without a gap."""
    stamp: str = ""
    """How the file stood that this is the hash of; see `resources/stores/stamps.py`."""


class IncomingUploads:
    """All files on their way into a home folder.

    Args:
        home: whose they are.
        limit: most bytes of one file; `WAYBILL_UPLOAD_LIMIT` when left out.
    """

    def __init__(self, home: Home, limit: int | None = None) -> None:
        self._folder = home.root / "incoming"
        self.limit = upload_limit() if limit is None else limit

    def begin(
        self,
        filename: str,
        *,
        size_bytes: int | None,
        by: str,
        project: str = "",
        note: Mapping[str, str] | None = None,
        key: str = "",
    ) -> Incoming:
        """Announces a file.

        Args:
            filename: as its sender calls it.
            size_bytes: how many bytes will come; None while nobody knows.
            by: whose it is.
            project: whom it is for.
            note: what its sender wants to find again.
            key: the sender's own; announced again with the same one it is the same file, wherever it stands.

        Raises:
            InputError: no name, or more bytes than the limit.
            ConflictError: another file was announced with this key, or the user has too many there.
            StorageError: no room for it, beside what else is on its way.
        """
        name = shown_name(filename)
        if size_bytes is not None:
            check_size(name, size_bytes, self.limit)
        upload_id = _id_of(by, project, key) if key else secrets.token_hex(16)
        if key and (known := self._known(upload_id)) is not None:
            return _same(known, name, size_bytes)
        self._make()
        self.expire()
        check_count(self._folder, lambda: self._owned(by))
        check_room(self._folder, (size_bytes or 0) + self._still_to_come())
        now = datetime.now(UTC)
        end = now + KEEP
        made = Incoming(upload_id, name, size_bytes, 0, by, project, now, end, note=note or {})
        folder = self._folder / _RECEIVING / made.upload_id
        try:
            _place(folder, made)
        except OSError as error:
            if key and (known := self._known(upload_id)) is not None:  # another one was faster
                return _same(known, name, size_bytes)
            raise storage_error(error, folder, "writing") from error
        return made

    def _known(self, upload_id: str) -> Incoming | None:
        with suppress(NotFoundError):
            return self.state(upload_id)
        return None

    def state(self, upload_id: str, project: str = "") -> Incoming:
        """What is known of a file.

        Raises:
            NotFoundError: there is none of this id, or no longer; or it was sent to another project than `project`.
        """
        return _sent_to(project, self._read(self._find(upload_id)))

    def path(self, upload_id: str) -> Path:
        """Where the bytes of a file are that is whole; see `received`."""
        return self.received(upload_id)[1]

    def received(self, upload_id: str, project: str = "") -> tuple[Incoming, Path]:
        """What is known of a file that is whole, and where its bytes are.

        Raises:
            NotFoundError: there is none; or it was sent to another project than `project`.
            ConflictError: it is still on its way.
        """
        folder = self._find(upload_id)
        found = _sent_to(project, self._read(folder))
        if not found.is_received:
            raise ConflictError(
                f"{found.filename}: {found.offset:,} of {_said(found.size_bytes)} bytes have come",
                hint="Send the rest first",
                state=_RECEIVING,
                offset=found.offset,
            )
        if not (folder / "bytes").exists():
            raise ConflictError(f"{found.filename} was imported already", state="imported")
        return found, folder / "bytes"

    @contextmanager
    def writer(self, upload_id: str, offset: int) -> Iterator[IncomingWriter]:
        """To append bytes from `offset` on; what has come stays when the context is left by an error.

        Raises:
            NotFoundError: there is no such upload.
            ConflictError: it is whole already, `offset` is not where it stands, or another request writes to it.
        """
        folder = self._find(upload_id)
        found = self._read(folder)
        if found.is_received:
            raise ConflictError(
                f"{found.filename} is complete", state=_RECEIVED, offset=found.offset
            )
        with locked(folder / "bytes", found.filename) as descriptor:
            stands = os.fstat(descriptor).st_size
            if stands != offset:
                raise ConflictError(
                    f"{found.filename}: it stands at byte {stands:,}, not at {offset:,}",
                    hint="Ask for its state and go on from there",
                    offset=stands,
                )
            path = folder / "bytes"
            hashed = _HASHES.take_out(path, descriptor)
            writer = IncomingWriter(
                descriptor, path, found.filename, found.size_bytes, self.limit, hashed
            )
            try:
                yield writer
            finally:
                if writer.hashed is not None:
                    _HASHES.put_back(path, descriptor, writer.hashed)

    def finish(self, upload_id: str, *, size_bytes: int | None = None) -> Incoming:
        """Takes a file for whole; again is harmless. What is wrong with its first bytes is in its `problem`.

        Args:
            upload_id: which.
            size_bytes: its length, where it was not announced.

        Raises:
            NotFoundError: there is no such upload.
            ConflictError: bytes are missing, or a request writes to it.
            StorageError: the disk could not write it: it has to be sent anew.
        """
        folder = self._find(upload_id)
        found = self._read(folder)
        if found.is_received:
            return found
        with locked(folder / "bytes", found.filename) as descriptor:
            stands = os.fstat(descriptor).st_size
            size = found.size_bytes if found.size_bytes is not None else size_bytes
            if size is not None and size != stands:
                raise ConflictError(
                    f"{found.filename}: {stands:,} of {size:,} bytes have come",
                    hint="Send the rest, or cancel it",
                    state=_RECEIVING,
                    offset=stands,
                )
            hashed = _HASHES.take_out(folder / "bytes", descriptor)
            whole = replace(found, size_bytes=stands, offset=stands, is_received=True)
            if hashed is not None:
                settle(hashed, descriptor, folder / "bytes")
                whole = replace(whole, sha256=hashed.sha256, stamp=stamp_of(os.fstat(descriptor)))
            whole = replace(whole, problem=_problem(whole.filename, folder / "bytes"))
            _write_state(folder, whole)
            with suppress(FileNotFoundError):  # another process was faster
                folder.rename(self._folder / _RECEIVED / upload_id)
        return self.state(upload_id)

    def cancel(self, upload_id: str) -> None:
        """Removes a file and all that is known of it.

        Raises:
            NotFoundError: there is none.
        """
        shutil.rmtree(self._find(upload_id), ignore_errors=True)

    def parts(self, upload_id: str) -> list[str]:
        """Ids of further files that their sender announced as parts of the same table, in the order in which they came.

        Raises:
            NotFoundError: there is no such upload.
        """
        asked = self.state(upload_id)
        table = asked.note.get(PART_OF, upload_id)
        return [
            found.upload_id
            for found in self.all()
            if found.note.get(PART_OF) == table
            and found.is_received
            and found.upload_id != upload_id
            and (found.by, found.project) == (asked.by, asked.project)
        ]

    def forget_bytes(self, upload_id: str) -> None:
        """Removes the bytes of a file that was kept elsewhere; what is known of it stays for a day."""
        (self._find(upload_id) / "bytes").unlink(missing_ok=True)

    def all(self) -> list[Incoming]:
        """Every file on its way or waiting to be imported, the oldest first."""
        found = []
        for kind in (_RECEIVING, _RECEIVED):
            for folder in filter(_has_id, self._folders(kind)):
                with suppress(NotFoundError):
                    found.append(self._read(folder))
        return sorted(found, key=lambda one: one.created_at)

    def expire(self, *, now: bool = False) -> int:
        """Removes what was not continued for a day; how many. Looks only now and then unless told to look `now`."""
        mark = self._folder / ".looked"
        with suppress(FileNotFoundError):
            if not now and time.time() - mark.stat().st_mtime < _LOOK_EVERY_SECONDS:
                return 0
        if self._folder.is_dir():
            mark.touch()
        removed = 0
        for kind in (_RECEIVING, _RECEIVED):
            for folder in self._folders(kind):
                is_asked = (folder / ASKED).exists() and (folder / "bytes").exists()
                keep = KEEP_ASKED if is_asked else KEEP
                if _last_change(folder) + keep.total_seconds() < time.time():
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
        return removed

    def _make(self) -> None:
        try:
            for kind in (_RECEIVING, _RECEIVED):
                (self._folder / kind).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self._folder, "writing") from error

    def _folders(self, kind: str) -> list[Path]:
        try:
            return [Path(entry.path) for entry in os.scandir(self._folder / kind)]
        except FileNotFoundError:
            return []

    def _owned(self, by: str) -> int:
        """How many files of a user are here with their bytes."""
        kinds = {True: _RECEIVED, False: _RECEIVING}
        own = [found for found in self.all() if found.by == by]
        places = (self._folder / kinds[one.is_received] / one.upload_id for one in own)
        return sum((place / "bytes").exists() for place in places)

    def _still_to_come(self) -> int:
        missing = 0
        for folder in self._folders(_RECEIVING):
            with suppress(NotFoundError):
                found = self._read(folder)
                missing += max((found.size_bytes or 0) - found.offset, 0)
        return missing

    def _find(self, upload_id: str) -> Path:
        if _ID.fullmatch(upload_id):
            for kind in (_RECEIVED, _RECEIVING, _RECEIVED):  # renamed between two looks
                folder = self._folder / kind / upload_id
                if folder.is_dir():
                    return folder
        raise NotFoundError(
            f"there is no upload {upload_id[:40]!r}",
            hint="It was cancelled, imported, or not continued for a day: send the file again",
        )

    def _read(self, folder: Path) -> Incoming:
        try:
            kept: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            bytes_file = folder / "bytes"
            size = bytes_file.stat().st_size if bytes_file.exists() else kept["size_bytes"]
            created = datetime.fromisoformat(kept.pop("created_at"))
            expires = datetime.fromtimestamp(_last_change(folder), UTC) + KEEP
            del kept["expires_at"], kept["offset"]
            return Incoming(**kept, offset=size, created_at=created, expires_at=expires)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotFoundError(
                f"there is no upload {folder.name!r}", hint="Send the file again"
            ) from error


def _sent_to(project: str, found: Incoming) -> Incoming:
    if project and found.project != project:
        raise NotFoundError(
            f"there is no upload {found.upload_id!r} in project {project!r}",
            hint="Ask for it in the project that it was sent to",
        )
    return found


def _write_state(folder: Path, state: Incoming) -> None:
    scratch = folder / f".state-{secrets.token_hex(4)}"
    scratch.write_text(json.dumps(asdict(state), default=str), encoding="utf-8")
    scratch.replace(folder / "state.json")


def _last_change(folder: Path) -> float:
    """When something came last."""
    times = [0.0]
    for path in (folder / "bytes", folder / "state.json", folder):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _problem(name: str, path: Path) -> str:
    try:
        if tells_format(
            name
        ):  # else the format is given before it is imported, and this is looked at then
            check_first_bytes(name, path)
    except WaybillError as error:
        return str(error)
    return ""


def _has_id(folder: Path) -> bool:
    return _ID.fullmatch(folder.name) is not None


def _place(folder: Path, made: Incoming) -> None:
    """Makes the folder of a file that was announced: whole or not there, and once."""
    scratch = folder.with_name(f".{secrets.token_hex(16)}")
    try:
        scratch.mkdir(mode=0o700)
        (scratch / "bytes").touch(mode=0o600)
        _write_state(scratch, made)
        scratch.rename(folder)
    except OSError:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _id_of(by: str, project: str, key: str) -> str:
    return hashlib.sha256(f"{by}\n{project}\n{key}".encode()).hexdigest()[:32]


def _same(known: Incoming, name: str, size_bytes: int | None) -> Incoming:
    if (known.filename, known.size_bytes) != (name, size_bytes):
        raise ConflictError(
            f"{known.filename} was announced with the same key",
            hint="Take another key for another file",
        )
    return known


def _said(size: int | None) -> str:
    return "an unknown number of" if size is None else f"{size:,}"
