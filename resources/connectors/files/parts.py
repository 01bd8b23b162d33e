"""Bringing one version of one object down to a local file, in parts side by side.

Here: which parts, in which threads, going on after a cut, and the proof that what is sent is the part wanted of the
version wanted. Not here: the request of a part, which each kind of bucket brings along as `open_part`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import ConnectorError, ConnectorUnavailableError, SourceChangedError
from resources.kernel.records import ObjectInfo
from resources.kernel.retries import RetryPolicy

PART_BYTES = 16 << 20
PARTS_AT_ONCE = 4
RETRIES = RetryPolicy(3)
"""Of one part; each try goes on after the last byte that arrived, and `open_part` makes pauses of its own."""

_CHUNK_BYTES = 1 << 20


class BodyParts(Protocol):
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

    open_part: Callable[[int, int], BodyParts]
    """The bytes from the first number to before the second, of the listed version."""
    cuts: tuple[type[Exception], ...]
    """What reading raises when the connection breaks."""


@dataclass(frozen=True)
class Announced:
    """What an answer says of the bytes that follow. Systems that ignore conditions or ranges show it here."""

    version: str
    """The object's etag; empty when the answer does not say."""
    length: int
    """Bytes that follow."""
    content_range: str
    """As HTTP has it: `bytes 16-31/1000`."""


def prove_part(
    item: ObjectInfo, part: tuple[int, int], announced: Announced, *, incompatible: str
) -> None:
    """Refuses what is not the part of `item` from the first number to before the second.

    Raises:
        SourceChangedError: it is of another version (E40).
        ConnectorError: it is another part; `incompatible` is the hint.
    """
    start, end = part
    is_whole = start == 0 and end == item.size_bytes
    total = announced.length if is_whole else _total(announced.content_range, start)
    if announced.version not in ("", item.etag) or total > item.size_bytes:
        raise SourceChangedError(
            f"object {shown(item.key)} changed while it was read: it is no longer the one listed",
            hint="Try again: the next listing shows the new object",
            key=item.key,
        )
    if total < 0:
        raise ConnectorError(
            f"object {shown(item.key)}: the service does not send the part of an object it is asked for",
            hint=incompatible,
            key=item.key,
        )


def _total(content_range: str, start: int) -> int:
    """Whole length from `bytes 16-31/1000` if the part begins at `start`, else -1."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range)
    return int(found[2]) if found and int(found[1]) == start else -1


def byte_range(item: ObjectInfo, part: tuple[int, int]) -> dict[str, str]:
    """The header that asks for a part; none for the whole object, as systems may know no ranges."""
    start, end = part
    return {} if part == (0, item.size_bytes) else {"Range": f"bytes={start}-{end - 1}"}


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


def read_part(source: PartSource, item: ObjectInfo, start: int, end: int) -> bytes:
    """The bytes of `item` from `start` to before `end`, in memory.

    Raises:
        ConnectorUnavailableError: cut off before their end (E5).
        Exception: what `open_part` raises.
    """
    got = bytearray()
    _bring(source, item, lambda _, chunk: got.extend(chunk), start, end)
    return bytes(got)


def _fetch(source: PartSource, item: ObjectInfo, handle: int, start: int, end: int) -> None:
    _bring(source, item, lambda offset, chunk: os.pwrite(handle, chunk, offset), start, end)


def _bring(
    source: PartSource,
    item: ObjectInfo,
    write: Callable[[int, bytes], object],
    start: int,
    end: int,
) -> None:
    """Brings down the bytes from `start` to before `end`, going on after a cut."""
    reached = start

    def go_on() -> None:
        nonlocal reached
        cause = None
        with contextlib.closing(source.open_part(reached, end)) as body:
            try:
                while reached < end and (chunk := body.read(min(_CHUNK_BYTES, end - reached))):
                    write(reached, chunk)
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
