"""Listing a tree of folders whose server lists one folder at a time, in no order: FTP and SFTP.

Here: one folder's names in bounded memory and in the order of keys, and the walk from folder to folder. Not here: how
a server is asked, and what it says of a file: the bytes kept beside a name are the connector's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from resources.connectors.files.key_patterns import KEY_LIMIT_BYTES, KeyPattern, is_hidden
from resources.connectors.files.listing_progress import BEYOND, looked_up_to
from resources.connectors.files.partial_names import is_partial
from resources.connectors.files.skipped import Skipped
from resources.kernel.errors import ConnectorError

LIMIT_BYTES = 256 << 20
"""The most memory of one folder's names: some two million files. An endless listing ends here."""

MAX_DEPTH = 200
"""Folders inside each other: deeper is a link that leads back, on servers that hide their links."""

_OVERHEAD_BYTES = 48  # of one short bytes object and its place in a list


class FolderNames:
    """What stands in one folder: added in any order, read in the order of the keys below.

    A name and its facts are one bytes object, `name` or `name/`, NUL, facts: the order of UTF-8 bytes is the order of
    keys, and NUL comes before everything that a longer name could go on with.

    Args:
        prefix: what the keys begin with: empty for the root, else ending in `/`.
        skipped: where names that no key can have are noted (T19).
    """

    def __init__(self, prefix: str, skipped: Skipped) -> None:
        self._prefix = prefix
        self._room = KEY_LIMIT_BYTES - len(prefix.encode())
        self._skipped = skipped
        self._entries: list[bytes] = []
        self._bytes = 0

    def add(self, name: bytes, facts: bytes, *, is_folder: bool) -> None:
        """Takes one entry; one whose name is no plain Unicode name, or makes too long a key, is noted as skipped.

        Raises:
            ConnectorError: more names than fit into memory.
        """
        reason = self._why_refused(name)
        if reason:
            self._skipped.add(self._prefix + name[:300].decode(errors="replace"), reason)
            return
        if is_partial(name.decode()):
            return
        entry = name + (b"/\0" if is_folder else b"\0") + facts
        self._entries.append(entry)
        self._bytes += len(entry) + _OVERHEAD_BYTES
        if self._bytes > LIMIT_BYTES:
            raise ConnectorError(
                f"folder {self._prefix or '/'!r} is listed with more than {len(self._entries) - 1} entries,"
                " which is more than can be put into order",
                hint="Spread the files over folders",
            )

    def skip(self, name: bytes, reason: str) -> None:
        """Notes an entry that is left out."""
        self._skipped.add(self._prefix + name[:300].decode(errors="replace"), reason)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Key and facts of each entry, keys of folders ending in `/`; a name listed twice comes once."""
        self._entries.sort()
        last = b""
        for entry in self._entries:
            name, _, facts = entry.partition(b"\0")
            if name != last:
                last = name
                yield self._prefix + name.decode(), facts

    def _why_refused(self, name: bytes) -> str:
        if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
            return "it is no name of a file"
        try:
            name.decode()
        except UnicodeDecodeError:
            return "its name is not valid Unicode"
        return "its key is too long" if len(name) > self._room else ""


def shown_entries(entries: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """What browsing shows of a folder: hidden files and folders are left out, as a shell does."""
    for key, facts in entries:
        if not is_hidden(key.removesuffix("/").rpartition("/")[2]):
            yield key, facts


def walk_tree(
    selection: KeyPattern, after: str, entries: Callable[[str], Iterator[tuple[str, bytes]]]
) -> Iterator[tuple[str, bytes]]:
    """Key and facts of every file that matches and comes after `after`; only folders that can hold one are read (E39).

    Args:
        selection: the pattern.
        after: the last key that is known already.
        entries: what stands in the folder of this key prefix, in the order of keys, folders ending in `/`.

    Raises:
        ConnectorError: folders inside each other without end.
    """
    pending = [entries(selection.folder + "/" if selection.folder else "")]
    folders: list[str] = []
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            if folders and (end := folders.pop() + BEYOND) > after:
                looked_up_to(end)
            continue
        key, facts = found
        if not key.endswith("/"):
            if key > after and selection.matches(key):
                yield key, facts
        elif (key > after or after.startswith(key)) and selection.may_match_below(key[:-1]):
            if len(pending) > MAX_DEPTH:
                raise ConnectorError(
                    f"folder {key[:80]!r}... lies more than {MAX_DEPTH} folders deep:"
                    " a link that leads back to a folder above it?",
                    hint="Remove the link, or name the folders in the path instead of '**'",
                )
            pending.append(entries(key))
            folders.append(key)
