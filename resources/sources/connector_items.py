"""Objects of a folder, a bucket or a file server as items of a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from resources.connectors.base import FileConnector
from resources.connectors.files.key_patterns import KeyPattern, shown
from resources.import_tasks.definition import ConnectorSource
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    KnownFile,
    SourceItem,
    Unchanged,
    WithoutLinks,
)
from resources.kernel.errors import (
    OF_THE_WAY,
    ConnectorAuthError,
    ConnectorError,
    InputError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)
from resources.kernel.records import ObjectInfo
from resources.sources.objects import select_objects
from resources.stores.uploads import sha256_of

_LOOKED_AT = 1_000
_NAMED = 3


class ConnectorItems(WithoutLinks):
    """See `ItemSource`.

    Args:
        definition: which objects.
        connector: where they are.
        scratch: a folder for what has to be fetched.
    """

    def __init__(
        self, definition: ConnectorSource, connector: FileConnector, scratch: Path
    ) -> None:
        self._path = definition.path
        self._keys = definition.keys
        self._connector = connector
        self._scratch = scratch

    def list(self) -> Iterator[SourceItem]:
        """Each object that is named, or that the path means, in the order of keys.

        Raises:
            InputError: none does: names three that exist, and why each was not meant.
        """
        for key in self._keys:  # what became of one since is told when it is fetched
            yield SourceItem(key, self._connector.addresses.url_of(key), handle=key)
        if self._keys:
            return
        is_empty = True
        for found in select_objects(self._connector, self._path, is_readable=lambda _: True):
            is_empty = False
            yield self._item(found)
        if is_empty:
            raise self._no_match()

    @contextmanager
    def fetch(self, item: SourceItem, known: KnownFile | None) -> Iterator[FetchedFile | Unchanged]:
        """The object as it is now; nothing is fetched of one that is as it was."""
        with _refusals():
            found = self._connector.stat(item.handle)
        if known is not None and known.fingerprint == _fingerprint(found):
            yield Unchanged(known.fingerprint)
            return
        with (
            _refusals(),
            TemporaryDirectory(dir=self._scratch) as folder,
            self._connector.local_copy(found, Path(folder)) as path,
        ):
            sha256, told = sha256_of(path), _fingerprint(found)
            yield FetchedFile(path, item.name, found.size_bytes, sha256, fingerprint=told)

    def _item(self, found: ObjectInfo) -> SourceItem:
        return SourceItem(
            found.key,
            self._connector.addresses.url_of(found.key),
            found.size_bytes,
            _fingerprint(found),
            handle=found.key,
        )

    def _no_match(self) -> InputError:
        """An empty success would hide a slip of the pen."""
        try:
            entries = [
                found.key for found in islice(self._connector.list_objects("**"), _LOOKED_AT)
            ]
        except WaybillError:  # no right to look around
            entries = []
        near = get_close_matches(self._path, entries, n=_NAMED, cutoff=0.3) or entries[:_NAMED]
        told = "; ".join(f"{shown(key)} {why_not(self._path, key)}" for key in near)
        return InputError(
            f"nothing in {self._connector.name!r} matches {self._path!r}",
            hint=f"There: {told}" if told else "It holds nothing, or nothing that may be listed",
            path=self._path,
            near=near,
        )


def why_not(path: str, key: str) -> str:
    """Why a path did not mean a key that exists."""
    pattern = KeyPattern(path.removesuffix("/") + "/**" if path.endswith("/") else path)
    if KeyPattern(pattern.text.lower()).matches(key.lower()):
        return "differs in capital letters"
    if pattern.folder and not key.startswith(f"{pattern.folder}/"):
        return f"does not lie in {pattern.folder + '/'!r}"
    name, wanted = key.rpartition("/")[2], pattern.text.rpartition("/")[2]
    if not KeyPattern(wanted).matches(name):
        return f"does not fit {wanted!r} by its name"
    return "lies in another folder than the pattern says: `**` stands for any number of folders"


@contextmanager
def _refusals() -> Iterator[None]:
    """What a failure says about one object is its item's; what all objects share is passed on."""
    try:
        yield
    except ItemRefusedError:
        raise
    except OF_THE_WAY:
        raise
    except NotFoundError as error:
        raise ItemRefusedError("not_found", error.message) from error
    except ConnectorAuthError as error:
        raise ItemRefusedError("forbidden", error.message) from error
    except SourceChangedError as error:
        raise ItemRefusedError("changed", error.message) from error
    except ConnectorError as error:
        raise ItemRefusedError("unreadable", error.message) from error


def _fingerprint(found: ObjectInfo) -> str:
    return f"{found.size_bytes} {found.etag}"
