"""What a file's way from and to a file server has in common, whatever the protocol: its local end, and its proofs.

Here: writing what came, saying that a file changed, keeping account of what attempts left. Not here: the bytes on their
way, which each protocol moves in its own manner (`ftp/transfer.py`, `sftp/transfer.py`).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

from resources.connectors.files.key_patterns import shown
from resources.connectors.files.os_errors import translate_os_error
from resources.connectors.files.server_errors import ServerSettings
from resources.kernel.errors import InputError, SourceChangedError
from resources.kernel.records import ObjectInfo

_Settings = TypeVar("_Settings", bound=ServerSettings)
_Locate = TypeVar("_Locate")
_Path = TypeVar("_Path", str, bytes)


class ServerDownload(ABC, Generic[_Settings, _Locate]):
    """The bytes of `item` on their way into a local file. Call it with a channel to the server, again after a cut.

    Args:
        settings: of the connector.
        item: the file as it was listed.
        locate: finds its path on the server.
        local: where to, an existing file.

    Attributes:
        reached: bytes that are there for certain.
    """

    def __init__(self, settings: _Settings, item: ObjectInfo, locate: _Locate, local: Path) -> None:
        self._settings = settings
        self._item = item
        self._locate = locate
        self._local = local
        self.reached = 0

    @abstractmethod
    def __call__(self, channel: Any, /) -> Any:
        """Brings down what is missing, and proves that it is of the file that was listed (E5, E40)."""

    def _write(self, handle: int, offset: int, block: bytes | memoryview) -> None:
        try:
            os.pwrite(handle, block, offset)
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self._settings.name!r}: download to", self._local
            ) from error


def changed(settings: ServerSettings, item: ObjectInfo, how: str) -> SourceChangedError:
    """The error about a file that is not, or no longer, the one listed (E40); `how` tells what is known of it."""
    return SourceChangedError(
        f"connector {settings.name!r}: file {shown(item.key)} changed while it was read{how}",
        hint="Try again when the file is complete; writers should rename finished files into place",
        key=item.key,
    )


class ServerPart(ABC, Generic[_Settings, _Locate]):
    """Some bytes of a file, which is proven to be the one listed.

    Call it with a channel to the server, again after a cut: then it reads them anew.

    Args:
        settings: of the connector.
        item: the file as it was listed.
        locate: finds its path on the server.
        start: of the bytes.
        length: how many; fewer come where the file ends.
    """

    def __init__(
        self, settings: _Settings, item: ObjectInfo, locate: _Locate, start: int, length: int
    ) -> None:
        self._settings = settings
        self._item = item
        self._locate = locate
        self._start = start
        self._length = max(min(length, item.size_bytes - start), 0)

    @abstractmethod
    def __call__(self, channel: Any, /) -> Any:
        """Reads them; raises as a whole download does."""


class ServerUpload(ABC, Generic[_Settings, _Locate, _Path]):
    """A local file on its way to its name: written beside it, compared in size, renamed (2d).

    Call it with a channel to the server, again after a cut: then it begins anew, and removes what the first attempt left.

    Args:
        settings: of the connector.
        key: where to.
        locate: finds its path on the server.
        local: where from.
    """

    def __init__(self, settings: _Settings, key: str, locate: _Locate, local: Path) -> None:
        self._settings = settings
        self._key = key
        self._locate = locate
        self._local = local
        self._left: list[_Path] = []
        """Partial files on the server, ours to remove (R7)."""

    @abstractmethod
    def __call__(self, channel: Any, /) -> Any:
        """Replaces the file by the local one."""

    @abstractmethod
    def clean(self, channel: Any, /) -> Any:
        """Removes what attempts that failed left on the server, as far as it lets us (R7)."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left behind."""
        return not self._left

    def _folder_in_the_way(self) -> InputError:
        return InputError(
            f"connector {self._settings.name!r}: {shown(self._key)} is a folder",
            hint="Choose another key",
            key=self._key,
        )
