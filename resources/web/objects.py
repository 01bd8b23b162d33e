"""A file of the web read in parts, as long as it stays the one that was found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from resources.kernel.errors import ConnectorError, SourceChangedError
from resources.kernel.urls import without_secrets
from resources.web.addresses import shown_url
from resources.web.client import WebAnswer, WebClient, WebLimits

_FIRST_BYTES = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_NOTHING_THERE = 416
"""What a server answers to a range of an empty file."""


@dataclass(frozen=True)
class WebFile:
    """A file of the web that answers for single parts of it."""

    url: str
    """Where it was found, after redirects."""
    size_bytes: int
    _client: WebClient
    _condition: dict[str, str]
    _first: bytes
    _whole: IO[bytes] | None
    """Where all of it lies, when the server sends no parts."""

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, at most `length`; fewer where the file ends.

        Raises:
            SourceChangedError: it is another file by now (E40).
            WaybillError: what `WebClient.get` raises.
        """
        end = min(start + length, self.size_bytes)
        if start >= end:
            return b""
        if self._whole is not None:
            return os.pread(self._whole.fileno(), end - start, start)
        if end <= len(self._first):
            return self._first[start:end]
        headers = {"Range": f"bytes={start}-{end - 1}", **self._condition}
        limits = WebLimits(bytes=end - start, seconds=self._client.limits.seconds)
        try:
            with self._client.get(self.url, headers, limits) as answer:
                if _part_of(answer) != (start, end, self.size_bytes):
                    raise self._changed()
                return answer.read()
        except ConnectorError as error:
            if error.facts.get("status") in (412, _NOTHING_THERE):
                raise self._changed() from error
            raise

    def _changed(self) -> SourceChangedError:
        return SourceChangedError(
            f"{shown_url(self.url)} changed while it was read",
            hint="Try again",
            url=without_secrets(self.url)[:200],
        )


@contextmanager
def open_web_file(client: WebClient, url: str, scratch: Path) -> Iterator[WebFile]:
    """Finds a file; its beginning comes with the same request. A server without parts sends all of it, within limits.

    Raises:
        WaybillError: what `WebClient.get` raises.
    """
    try:
        with client.get(url, {"Range": f"bytes=0-{_FIRST_BYTES - 1}"}) as answer:
            part = _part_of(answer)
            if part is not None and part[0] == 0:
                found = WebFile(
                    answer.url, part[2], client, _condition(answer), answer.read(), None
                )
                yield found
                return
            with TemporaryFile(dir=scratch) as whole:
                for chunk in answer.chunks():
                    whole.write(chunk)
                whole.flush()
                yield WebFile(answer.url, whole.tell(), client, {}, b"", whole)
    except ConnectorError as error:
        if error.facts.get("status") != _NOTHING_THERE:
            raise
        yield WebFile(url, 0, client, {}, b"", None)


def _part_of(answer: WebAnswer) -> tuple[int, int, int] | None:
    """Beginning, end and length of the whole, when a part was sent."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if answer.status != 206 or found is None:
        return None
    return int(found[1]), int(found[2]) + 1, int(found[3])


def _condition(answer: WebAnswer) -> dict[str, str]:
    """What proves that later parts are of the same file, as far as the server tells."""
    etag = answer.headers.get("etag", "")
    if etag.startswith('"'):
        return {"If-Match": etag}
    modified = answer.headers.get("last-modified")
    return {"If-Unmodified-Since": modified} if modified else {}
