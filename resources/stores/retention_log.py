"""Where tags and pins are kept: one state an item, changed by compare-and-set, in order with the collection.

`<item>/v/<20 digits>.tags` holds a whole state (`retention.py`). A change reads the newest, and creates the next number
exclusively, as manifests are created (`publish.py`); who was too late reads again. Older states go then.

**What holds.** A tag names one version, and that version is there. The collection says in the same states up to which number
it removes before it removes anything, so either the tag comes first, and the version stays; or the collection does, and who
wants the tag is told that the version is gone. A kill at any moment leaves the state before, or the new one.

**Why.** Both write the next number after the one that they have read, and only one can have it.

**When it is lost.** Damage to the newest state: nothing is collected, tagged or restored until it is restored from a backup.

**What it costs.** A listing and a reading for each look; a file created and one removed for each change. A collection that has
nothing to remove writes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from resources.kernel.errors import ConflictError
from resources.stores.retention import (
    Retention,
    decode_retention,
    encode_retention,
    tags_name,
    tags_number,
)
from resources.stores.storage import Storage

_TRIES = 200
_REMEMBERED = 100
"""Marks of changes in a state: a writer that was stalled over more of them takes its change for lost, and makes it again."""


class RetentionLog:
    """The states of one item.

    Args:
        storage: where the item is kept.
        path: of the item.
    """

    def __init__(self, storage: Storage, path: str) -> None:
        self._storage = storage
        self._path = path

    def read(self) -> Retention:
        """The newest state; an empty one where nothing was ever said.

        Raises:
            IntegrityError: it is damaged.
            StorageError: it was written by a newer Waybill.
        """
        return self._newest()[1]

    def change(self, make: Callable[[Retention], Retention]) -> Retention:
        """Replaces the state by what `make` makes of it, which is called again when another change came first.

        Args:
            make: of the state that there is; the same state: nothing is written. What it raises goes through.

        Raises:
            ConflictError: 200 other changes came first.
        """
        for _ in range(_TRIES):
            number, state = self._newest()
            wanted = make(state)
            if wanted == state:
                return state
            mark = secrets.token_hex(8)
            marked = replace(wanted, changes=(*wanted.changes, mark)[-_REMEMBERED:])
            created = self._storage.create(self._file(number + 1), encode_retention(marked))
            if created and self._is_kept(number + 1, mark):
                self._forget_before(number + 1)
                return marked
        raise ConflictError(
            f"{self._path}: tags and pins were changed by others {_TRIES} times in a row",
            hint="Try again when fewer change them",
        )

    def _newest(self) -> tuple[int, Retention]:
        for _ in range(_TRIES):
            numbers = self._numbers()
            if not numbers:
                return 0, Retention()
            path = self._file(numbers[-1])
            data = self._storage.read_many([path]).get(path)
            if data is not None:  # else a newer one is there, and this one was removed
                where = self._storage.locate(path)
                return numbers[-1], decode_retention(data, where=where)
        raise ConflictError(f"{self._path}: tags and pins were changed while they were read")

    def _is_kept(self, number: int, mark: str) -> bool:
        """Whether a created state counts: it is the newest, or the newest came from it.

        Else its number was free again, because its writer stalled while others went on: then it is taken back.
        """
        newest = self._numbers()[-1]
        if newest == number or mark in self._newest()[1].changes:
            return True
        self._storage.remove(self._file(number))
        return False

    def _forget_before(self, number: int) -> None:
        for older in self._numbers():
            if older < number:
                self._storage.remove(self._file(older))

    def _numbers(self) -> list[int]:
        found = map(tags_number, self._storage.names(f"{self._path}/v"))
        return sorted(number for number in found if number is not None)

    def _file(self, number: int) -> str:
        return f"{self._path}/v/{tags_name(number)}"
