"""Objects by their URLs: through the connectors that may be used for them, else from the public web behind its guard.

Here: which way a URL leads, and what a failure says about the object. Not here: what URLs a connector knows
(`FileConnector.addresses`), and which addresses of the web may be asked (`resources/web`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from resources.collections.rules import ObjectRule
from resources.connectors.base import FileConnector, ReadRange
from resources.kernel.errors import (
    OF_THE_WAY,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)
from resources.kernel.urls import without_secrets
from resources.web.addresses import shown_url
from resources.web.client import WebClient
from resources.web.objects import open_web_file

_CHUNK_BYTES = 1 << 20
_OF_OBJECTS = (ConnectorError, NotFoundError, InputError)


@dataclass(frozen=True)
class OpenObject:
    """An object that is there, read in parts while its context lives."""

    name: str
    """Its URL."""
    size: int
    """In bytes."""
    etag: str
    """What changes with its bytes; empty for what the web does not tell."""
    read_range: ReadRange

    def stream(self) -> BinaryIO:
        """All of its bytes from the first on, to be read once; raises as `read_range` does."""
        return io.BufferedReader(_Bytes(self), _CHUNK_BYTES)


@dataclass(frozen=True)
class LocalObject:
    """An object of which all bytes are here while its context lives."""

    name: str
    """Its URL."""
    size: int
    """In bytes."""
    etag: str
    """What changes with its bytes; empty for what the web does not tell."""
    path: Path

    def read_range(self, start: int, length: int) -> bytes:
        """The bytes from `start`, at most `length`; fewer where it ends."""
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), length, start)


class _Bytes(io.RawIOBase):
    def __init__(self, found: OpenObject) -> None:
        self._found = found
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        got = self._found.read_range(self._at, len(buffer))
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)


class ObjectUrls:
    """Opens objects by their URLs; for many threads at once.

    Args:
        connectors: those that URLs may lead into.
        web: asks public addresses; None: only connectors are used.
        scratch: a folder for what has to be fetched whole.
    """

    def __init__(
        self, connectors: Sequence[FileConnector], web: WebClient | None, scratch: Path
    ) -> None:
        self._connectors = connectors
        self._web = web
        self._scratch = scratch

    def leads_to(self, url: str) -> tuple[FileConnector, str] | None:
        """The connector and the key that a URL leads to; None for the web.

        Raises:
            InputError: it leads nowhere that may be asked.
        """
        for connector in self._connectors:
            key = connector.addresses.key_of(url)
            if key is not None:
                return connector, key
        if self._web is not None and url[:8].lower() == "https://":
            return None
        raise self._refused(url)

    @contextmanager
    def open(self, url: str) -> Iterator[OpenObject]:
        """The object at a URL.

        Raises:
            WaybillError: see `rule_of`.
        """
        found = self.leads_to(url)
        if found is None:
            assert self._web is not None  # noqa: S101 - for the type checker: `leads_to` has said so
            with ExitStack() as stack:
                with _of_one_site():
                    file = stack.enter_context(open_web_file(self._web, url, self._scratch))
                yield OpenObject(url, file.size_bytes, "", _of_one_site()(file.read))
            return
        connector, key = found
        with (
            TemporaryDirectory(dir=self._scratch) as scratch,
            connector.open_object(key, Path(scratch)) as opened,
        ):
            yield OpenObject(url, opened.size_bytes, opened.etag, opened.read)

    @contextmanager
    def fetch(self, url: str) -> Iterator[LocalObject]:
        """The object at a URL, brought here whole and read once; a folder's own file stays where it is.

        Raises:
            WaybillError: see `rule_of`.
        """
        found = self.leads_to(url)
        with TemporaryDirectory(dir=self._scratch) as folder:
            scratch = Path(folder)
            if found is None:
                yield self._downloaded(url, scratch / "object")
                return
            connector, key = found
            item = connector.stat(key)
            with connector.local_copy(item, scratch) as path:
                yield LocalObject(url, item.size_bytes, item.etag, path)

    def _downloaded(self, url: str, path: Path) -> LocalObject:
        assert self._web is not None  # noqa: S101 - for the type checker: `leads_to` has said so
        with _of_one_site(), self._web.get(url) as answer, path.open("wb") as target:
            target.writelines(answer.chunks())
        return LocalObject(url, path.stat().st_size, "", path)

    def _refused(self, url: str) -> InputError:
        known = ", ".join(
            f"{connector.name} ({connector.addresses.url_of('x').removesuffix('x')})"
            for connector in self._connectors
        )
        web = "; https:// of the public web" if self._web else ""
        return InputError(
            f"{shown_url(url)} leads into none of the connectors that may be used: {known or 'none'}{web}",
            hint="Leave the query out; where `?` belongs to a key it is %3F"
            if "?" in url and url[:4].lower() == "http"
            else "Correct the URL, or name the connector that it leads into",
            url=without_secrets(url)[:200],
        )


@contextmanager
def _of_one_site() -> Iterator[None]:
    """A site of the web that does not answer says nothing of other sites: it is an error of its objects alone."""
    try:
        yield
    except ConnectorUnavailableError as error:
        raise ConnectorError(error.message, hint=error.hint, **error.facts) from error


def rule_of(error: WaybillError) -> ObjectRule | None:
    """What a failure says about one object; None when it says something about the way to it, which all share."""
    kinds: tuple[tuple[type[WaybillError], ObjectRule], ...] = (
        (NotFoundError, "object_not_found"),
        (ConnectorAuthError, "object_forbidden"),
        (SourceChangedError, "object_changed"),
        (InputError, "url_not_allowed"),
    )
    if isinstance(error, OF_THE_WAY) or not isinstance(error, _OF_OBJECTS):
        return None
    return next((rule for kind, rule in kinds if isinstance(error, kind)), "object_unreadable")
