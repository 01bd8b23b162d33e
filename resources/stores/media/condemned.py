"""Lists of names that nothing may rely on any more, in their numbered order.

`<number>.names` is created exclusively; `<number>.open` says which writers did not know it; `<number>.done` is what
stays of the newest one that was carried out, so that numbers never come again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from resources.stores.media.names import NameList, decode_sealed, encode_sealed
from resources.stores.storage import Storage

CONDEMNED = "media/condemned"
WRITERS = "media/writers"
_FILE = re.compile(r"(\d{20})\.(names|open|done)")


@dataclass(frozen=True)
class Condemned:
    """The lists that are not carried out yet, and the highest number that there has been."""

    newest: int
    pending: Mapping[int, NameList]

    def __contains__(self, name: str) -> bool:
        return any(name in names for names in self.pending.values())


def read_condemned(storage: Storage) -> Condemned:
    """All lists: one listing, and usually nothing else.

    Raises:
        IntegrityError: one is damaged.
    """
    found = _files(storage)
    done = {number for number, kind in found if kind == "done"}
    paths = {
        _path(number, kind): number
        for number, kind in found
        if kind == "names" and number not in done
    }
    pending = {
        paths[path]: decode_sealed(data, storage.locate(path))
        for path, data in storage.read_many(paths).items()
    }
    return Condemned(max((number for number, _ in found), default=0), pending)


def condemn(storage: Storage, number: int, names: Iterable[str]) -> bool:
    """Writes a list of names in order; False when another collector took its number."""
    return storage.create(_path(number, "names"), encode_sealed(names))


def writers_in_the_dark(storage: Storage, number: int, at_work: Iterable[str]) -> set[str]:
    """Those of the writers `at_work` that began before list `number`, or could have.

    The first call after the list was written settles it: `at_work` must have been looked up since then.
    """
    path = _path(number, "open")
    if storage.create(path, json.dumps(sorted(at_work)).encode()):
        return set(at_work)
    recorded = storage.read_many([path]).get(
        path, b"[]"
    )  # gone: another collector has carried it out
    return set(json.loads(recorded)) & set(at_work)


def mark_done(storage: Storage, number: int) -> None:
    """A list was carried out; its number stays known."""
    storage.create(_path(number, "done"), b"")


def forget_done(storage: Storage) -> None:
    """Removes what is left of lists that were carried out, but for the highest number."""
    found = _files(storage)
    done = {number for number, kind in found if kind == "done"}
    newest = max((number for number, _ in found), default=0)
    for number, kind in sorted(found):
        stray = kind == "open" and (number, "names") not in found
        if stray or (number in done and kind != "done"):
            storage.remove(_path(number, kind))
    for number in sorted(done - {newest}):
        storage.remove(_path(number, "done"))


def _files(storage: Storage) -> set[tuple[int, str]]:
    matches = map(_FILE.fullmatch, storage.names(CONDEMNED))
    return {(int(match[1]), match[2]) for match in matches if match}


def _path(number: int, kind: str) -> str:
    return f"{CONDEMNED}/{number:020d}.{kind}"
