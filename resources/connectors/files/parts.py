"""Bringing one version of one object down to a local file, in parts side by side.

Here: which parts, in which threads, going on after a cut. Not here: the request of a part and the proof that it is of
the version wanted, which each kind of bucket brings along as `open_part`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import ConnectorUnavailableError
from resources.kernel.records import ObjectInfo
from resources.kernel.retries import RetryPolicy

PART_BYTES = 16 << 20
PARTS_AT_ONCE = 4
RETRIES = RetryPolicy(3)
"""Of one part; each try goes on after the last byte that arrived, and `open_part` makes pauses of its own."""

_CHUNK_BYTES = 1 << 20


class Body(Protocol):
    """Bytes on their way."""

    def read(self, amount: int, /) -> bytes:
        """At most `amount` bytes; none at the end."""
        ...

    def close(self) -> None:
        """Lets the connection go."""
        ...


@dataclass(frozen=True)
class PartSource:
    """How one object is read."""

    open_part: Callable[[int, int], Body]
    """The bytes from the first number to before the second, of the listed version."""
    cuts: tuple[type[Exception], ...]
    """What reading raises when the connection breaks."""


def download_parts(source: PartSource, item: ObjectInfo, path: Path) -> None:
    """Writes exactly the bytes of `item` to `path`, an existing file.

    Raises:
        ConnectorUnavailableError: cut off before its length (E5).
        OSError: what the local disk refuses.
        Exception: what `open_part` raises.
    """
    size = item.size_bytes
    parts = [(at, min(at + PART_BYTES, size)) for at in range(0, size, PART_BYTES)] or [(0, 0)]
    handle = os.open(path, os.O_WRONLY)
    try:
        if len(parts) == 1:
            _fetch(source, item, handle, *parts[0])
            return
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            futures = [
                pool.submit(_fetch, source, item, handle, start, end) for start, end in parts
            ]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        os.close(handle)


class _CutShortError(Exception):
    """A part that ended before its end; its cause is what the library said, if it said anything."""


def _fetch(source: PartSource, item: ObjectInfo, handle: int, start: int, end: int) -> None:
    """Brings down the bytes from `start` to before `end`, going on after a cut."""
    reached = start

    def go_on() -> None:
        nonlocal reached
        cause = None
        with contextlib.closing(source.open_part(reached, end)) as body:
            try:
                while reached < end and (chunk := body.read(min(_CHUNK_BYTES, end - reached))):
                    os.pwrite(handle, chunk, reached)
                    reached += len(chunk)
            except source.cuts as error:
                cause = error
        if reached < end:
            raise _CutShortError from cause

    try:
        RETRIES.run(go_on, may_pass=lambda error: isinstance(error, _CutShortError))
    except _CutShortError as error:
        raise ConnectorUnavailableError(
            f"object {shown(item.key)} was cut off after {reached} of {item.size_bytes} bytes"
            f" in each of {RETRIES.attempts} attempts",
            hint="Check the network and the service, then try again",
            key=item.key,
        ) from error.__cause__
