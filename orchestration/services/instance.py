"""Dagster's instance of a home folder, opened with an error that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from orchestration.reasons import is_of_the_disk, raised_on_purpose, reason_of
from orchestration.services.home import Home
from orchestration.services.locks import hold
from resources.kernel.errors import ConfigError, StorageError

_Edition = tuple[int, int, int]


def open_instance(home: Home) -> dg.DagsterInstance:
    """The instance that `dagster.yaml` in the home's Dagster folder describes.

    Raises:
        ConfigError: Dagster refuses the file, or cannot open what it names.
        StorageError: the disk of the home folder is full, or fails.
    """
    source = home.dagster / "dagster.yaml"
    try:
        return dg.DagsterInstance.from_ref(described_instance(home))
    except (
        Exception
    ) as error:  # storage plugins and their drivers are loaded here and may raise anything
        if is_of_the_disk(error):
            raise _disk_refused(home) from error
        raise raised_on_purpose(error) or ConfigError(
            f"Dagster's instance cannot be opened with {source}: {reason_of(error)}",
            hint="Correct the file, or move it away: the next command writes one that works",
            file=str(source),
        ) from error


@contextmanager
def told_of_the_disk(home: Home) -> Iterator[None]:
    """What Dagster raises within it for want of room is told as that: it passes the errors of its database on as they are.

    Raises:
        StorageError: the disk of the home folder is full, or fails.
    """
    try:
        yield
    except Exception as error:
        if is_of_the_disk(error):
            raise _disk_refused(home) from error
        raise


def _disk_refused(home: Home) -> StorageError:
    return StorageError(
        f"Dagster's records in {home.dagster} cannot be written: the disk is full, or fails",
        hint="Make room and try again: what was finished is kept",
        path=str(home.dagster),
    )


def opened_in_turn(home: Home) -> AbstractContextManager[bool]:
    """Held while an instance is opened that may be new: of several processes that open it at once each would create its tables."""
    return hold(home.locks / "instance.lock", wait=True)


def described_instance(home: Home) -> InstanceRef:
    """What `dagster.yaml` says, read once as long as it stays as it is: that is a tenth of what the start of a run costs.

    A process that forks reads it beforehand: its forks have it then.
    """
    return _described(home.dagster, _edition(home.dagster / "dagster.yaml"))


def _edition(source: Path) -> _Edition | None:
    try:
        found = source.stat()
    except FileNotFoundError:  # Dagster's defaults
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=4)
def _described(folder: Path, _edition: _Edition | None) -> InstanceRef:
    return InstanceRef.from_dir(str(folder))
