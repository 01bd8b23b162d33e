"""Versions that are kept because somebody says so: tagged under a name, or pinned; and held while a run needs them.

Each change is one step of `retention_log.py`, where it is argued why a tag never names a version that was collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from resources.kernel.errors import ConflictError, GoneError, InputError, NotFoundError
from resources.stores.looking import missing_version
from resources.stores.manifest import Manifest
from resources.stores.manifest_log import ManifestLog
from resources.stores.retention import MOST_TAGS, Retention, Said, check_tag


class Tagging:
    """Tags and pins of one item.

    Args:
        log: of the item.
    """

    def __init__(self, log: ManifestLog) -> None:
        self._log = log

    def read(self) -> Retention:
        """All that is said of its versions."""
        return self._log.retention.read()

    def tag(self, name: str, version: int, *, by: str = "", move: bool = False) -> int | None:
        """Gives a version a tag, which keeps it.

        Args:
            name: of the tag; one of an item.
            version: its number.
            by: who says so.
            move: also when another version has the tag.

        Returns:
            The version that had it before; None where none had.

        Raises:
            InputError: no name of a tag, or there are a thousand.
            ConflictError: another version has it, and it is not to be moved.
            GoneError: the version was collected, or is about to be.
        """
        check_tag(name)
        before: list[int | None] = []

        def make(state: Retention) -> Retention:
            old = state.tags.get(name)
            before[:] = [old.version if old else None]
            if old and old.version == version:
                return state
            if old and not move:
                raise _taken(self._log, name, old.version)
            self._check(state, version)
            if not old and len(state.tags) >= MOST_TAGS:
                raise InputError(f"{self._log.name} has {MOST_TAGS:,} tags; remove some first")
            now = datetime.now(UTC)
            left = state.without_tag(name, now) if old else state
            tags = {**left.tags, name: Said(version, now, by)}
            return _kept_again(replace(left, tags=tags), version)

        self._log.retention.change(make)
        return before[0]

    def untag(self, name: str) -> int:
        """Takes a tag away; returns the version that had it, which is kept for a day more at least.

        Raises:
            NotFoundError: there is no such tag.
        """
        had: list[int] = []

        def make(state: Retention) -> Retention:
            had[:] = [self._tagged(state, name)]
            return state.without_tag(name, datetime.now(UTC))

        self._log.retention.change(make)
        return had[0]

    def pin(self, version: int, *, by: str = "") -> None:
        """Keeps a version until `unpin`.

        Raises:
            GoneError: it was collected, or is about to be.
        """

        def make(state: Retention) -> Retention:
            if version in state.pins:
                return state
            self._check(state, version)
            pins = {**state.pins, version: Said(version, datetime.now(UTC), by)}
            return _kept_again(replace(state, pins=pins), version)

        self._log.retention.change(make)

    def unpin(self, version: int) -> None:
        """Takes a pin away; the version is kept for a day more at least.

        Raises:
            NotFoundError: it is not pinned.
        """

        def make(state: Retention) -> Retention:
            if version not in state.pins:
                raise NotFoundError(f"Version {version} of {self._log.name} is not pinned")
            return state.without_pin(version, datetime.now(UTC))

        self._log.retention.change(make)

    def find(self, asked: str) -> int:
        """The number of a version that is called by its number or by a tag.

        Raises:
            NotFoundError: neither a number nor a tag of the item.
        """
        if asked.isascii() and asked.isdigit():
            return int(asked[:18])
        return self._tagged(self.read(), asked)

    @contextmanager
    def held(self, version: int, holder: str) -> Iterator[Manifest]:
        """A version that no collection removes while the context lives, nor for a day after a kill.

        Args:
            version: its number.
            holder: the run that needs it.

        Raises:
            GoneError: it was collected, or is about to be.
        """

        def hold(state: Retention) -> Retention:
            self._check(state, version)
            said = Said(version, datetime.now(UTC), holder)
            return replace(state, holds={**state.holds, holder: said})

        def release(state: Retention) -> Retention:
            return state.without_hold(holder, datetime.now(UTC)) if holder in state.holds else state

        self._log.retention.change(hold)
        try:
            yield self._found(version)
        finally:
            self._log.retention.change(release)

    def _check(self, state: Retention, version: int) -> None:
        """Whether a version can come to be kept: it is there, and no collection has said that it goes."""
        if version <= state.floor and not state.keeps(version):
            raise GoneError(
                f"Version {version} of {self._log.name} has been removed, or is about to be",
                hint="Choose a newer one",
            )
        self._found(version)

    def _found(self, version: int) -> Manifest:
        manifest = self._log.read(version) if version > 0 else None
        if manifest is None:
            raise missing_version(self._log, version)
        return manifest

    def _tagged(self, state: Retention, name: str) -> int:
        if name in state.tags:
            return state.tags[name].version
        listed = ", ".join(sorted(state.tags)[:20])
        raise NotFoundError(
            f"{self._log.name} has no tag {name[:100]!r}",
            hint=f"Its tags are {listed}" if listed else "It has none",
        )


def _kept_again(state: Retention, version: int) -> Retention:
    left = {other: said for other, said in state.released.items() if other != version}
    return replace(state, released=left)


def _taken(log: ManifestLog, name: str, version: int) -> ConflictError:
    return ConflictError(
        f"The tag {name!r} of {log.name} is at version {version}",
        hint="Move it if it is to be at the other one from now on",
        version=version,
    )
