"""Small pictures of media: made once in a confined process, kept in the home folder, found there afterwards.

A picture is known by what it is a picture of: the SHA-256 of bytes that the media store keeps, else the collection and the URL.
Nothing says when an object behind a URL is replaced in its place; so its picture is held against the object's ETag and size when
it is asked for after `FRESH_SECONDS`, and goes when the object has gone.

Here: which pictures there are, where they are kept, how some are made. Who asks for one in the web process goes through
`services/site/pictures.py`, which asks `questions/thumbnail.py` for several at once.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from orchestration.services.home import Home
from resources.kernel.errors import WaybillError
from resources.media.facts import FileType
from resources.media.prober import EDGE, Prober, open_prober
from resources.media.refusals import MediaRefusedError
from resources.sources.object_urls import OpenObject, rule_of

LARGE_EDGE = 1600
"""Pixels of the longer edge of a page, a slice or a frame that is looked at by itself."""
KEPT_BYTES = 1_000_000_000
"""Of all pictures of a home folder; beyond that the oldest go."""
FRESH_SECONDS = 3600.0
"""So long a picture is taken for one of the object as it is, without asking where the object lies."""
_SHELVES = 256
_THREADS = 8

Opens = Callable[["ObjectRef"], AbstractContextManager[OpenObject]]
"""Opens a file, for as long as the context lives."""


@dataclass(frozen=True)
class ObjectRef:
    """One file that pictures are made of.

    Args:
        kind: what it is said to be.
        name: as a person knows it, for messages.
        sha256: of bytes that the media store keeps; empty: it lies where `url` says.
        collection: whose connectors lead to `url`.
        url: of the object.
    """

    kind: FileType
    name: str = ""
    sha256: str = ""
    collection: str = ""
    url: str = ""


@dataclass(frozen=True)
class PictureWanted:
    """A picture.

    Args:
        of: the file.
        place: which page, slice or frame, from 0 on, or which millisecond of a video; None: what stands for the file.
        edge: pixels of its longer edge at most.
    """

    of: ObjectRef
    place: int | None = None
    edge: int = EDGE

    def key(self, project: str) -> str:
        """Its name among kept pictures. The same URL may lead elsewhere in another collection, the same bytes nowhere else."""
        of = self.of
        whose = (of.sha256,) if of.sha256 else (project, of.collection, of.url)
        parts = (of.kind, self.place, self.edge, *whose)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


class KeptPicture(msgspec.Struct, frozen=True):
    """A picture that was made, or why there is none."""

    data: bytes
    """WebP; empty: there is none."""
    etag: str
    """Of the object that it was made of."""
    size: int
    """Of that object."""
    rule: str = ""
    """What is wrong with the object; empty: nothing, its type has no picture."""
    message: str = ""


class PictureFolder:
    """The pictures of a home folder. Making the object touches nothing."""

    def __init__(self, home: Home, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._root = home.root / "thumbnails"
        self._shelf_bytes = kept_bytes // _SHELVES

    def find(self, key: str) -> tuple[KeptPicture, float] | None:
        """A picture, and the seconds since it was made or held against its object; None: there is none."""
        try:
            with self._path(key).open("rb") as file:
                age = time.time() - os.fstat(file.fileno()).st_mtime
                return msgspec.msgpack.decode(file.read(), type=KeptPicture), age
        except (OSError, msgspec.MsgspecError):
            return None  # not there, or written by another release

    def keep(self, key: str, picture: KeptPicture) -> None:
        """Keeps a picture, whole or not at all; the oldest of its shelf make room."""
        path = self._path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.touch(mode=0o600)
        scratch.write_bytes(msgspec.msgpack.encode(picture))
        scratch.replace(path)
        self._make_room(path.parent)

    def touch(self, key: str) -> None:
        """Notes that a picture still shows its object."""
        with suppress(OSError):
            os.utime(self._path(key))

    def drop(self, key: str) -> None:
        """Takes a picture out, if it is there."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _make_room(self, shelf: Path) -> None:
        """Names of pictures are hashes, so shelves fill alike and one is enough to look at."""
        found = []
        with os.scandir(shelf) as entries:
            for entry in entries:
                with suppress(OSError):  # removed meanwhile
                    facts = entry.stat()
                    found.append((facts.st_mtime, facts.st_size, entry.path))
        found.sort(reverse=True)
        total = 0
        for _, size, path in found:
            total += size
            if total > self._shelf_bytes:
                Path(path).unlink(missing_ok=True)


def make_pictures(
    folder: PictureFolder,
    project: str,
    opens: Opens,
    wanted: Sequence[PictureWanted],
    tell: Callable[[str, WaybillError | None], None],
) -> None:
    """Makes pictures that are not there, or not of the object as it is; each is told as soon as it is kept.

    Args:
        folder: where they are kept.
        project: whose objects they are of.
        opens: opens the objects.
        wanted: which.
        tell: hears the key of each, and what kept it from being made: something that may be otherwise the next time.

    Raises:
        MissingDependencyError: the packages that read media are not installed.
    """
    with open_prober() as prober, ThreadPoolExecutor(_THREADS, "pictures") as pool:
        maker = _Maker(folder, project, opens, prober)
        running = {pool.submit(maker.make, one): one.key(project) for one in wanted}
        for done in as_completed(running):
            error = done.exception()
            if error is not None and not isinstance(error, WaybillError):
                raise error
            tell(running[done], error)


@dataclass(frozen=True)
class _Maker:
    folder: PictureFolder
    project: str
    opens: Opens
    prober: Prober

    def make(self, wanted: PictureWanted) -> None:
        """Makes one picture and keeps it.

        Raises:
            WaybillError: the object cannot be had now.
        """
        key = wanted.key(self.project)
        try:
            self._make(key, wanted)
        except WaybillError as error:
            if (
                rule_of(error) is not None
            ):  # of this object, not of the way to it: it shows what is no longer there
                self.folder.drop(key)
            raise

    def _make(self, key: str, wanted: PictureWanted) -> None:
        with self.opens(wanted.of) as opened:
            known = self.folder.find(key)
            if known is not None and _shows(known[0], opened):
                self.folder.touch(key)
                return
            self.folder.keep(key, self._picture(wanted, opened))

    def _picture(self, wanted: PictureWanted, opened: OpenObject) -> KeptPicture:
        try:
            data = self.prober.picture(wanted.of.kind, opened, place=wanted.place, edge=wanted.edge)
        except MediaRefusedError as refused:
            return KeptPicture(b"", opened.etag, opened.size, refused.rule, refused.message)
        return KeptPicture(data or b"", opened.etag, opened.size)


def _shows(picture: KeptPicture, opened: OpenObject) -> bool:
    """Whether it is a picture of an object as it is. What the web gives has no ETag: there the size alone tells."""
    return (picture.etag, picture.size) == (opened.etag, opened.size)
