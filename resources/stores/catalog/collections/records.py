"""What the catalog knows of collections, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from resources.collections.duplicates import Action, Look
from resources.collections.items import ItemState, MediaType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """This moment as the tables hold times."""
    return to_micros(datetime.now(UTC))


def to_micros(moment: datetime) -> int:
    """An aware time as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_moment(micros: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return _EPOCH + timedelta(microseconds=micros)


def revision_of(changed_at: int) -> str:
    """By what it is known whether an item was changed since: each change has a time of its own."""
    return f"{changed_at:x}"


@dataclass(frozen=True)
class ImportRequest:
    """An import as it is asked for."""

    key: str
    """By what it is known again when it is retried or resumed: the same key is the same import."""
    folder: str = ""
    file_name: str = ""
    sha256: str = ""
    asked_by: str = ""
    look: Look = "missing"
    """Whose objects are looked at; a collection that keeps copies looks at all."""
    ignore_errors: bool = False
    schema: str = ""
    """The metadata schema of the collection; empty: it has none."""


@dataclass(frozen=True)
class Registered:
    """What a specification did to a folder, or would do."""

    counts: Mapping[Action, Mapping[str, int]]
    """Items by type, by what became of them."""

    def total(self, action: Action) -> int:
        """Items of all types."""
        return sum(self.counts.get(action, {}).values())

    @property
    def changes_nothing(self) -> bool:
        """Whether every item was skipped."""
        return not any(self.total(action) for action in ("created", "updated", "retried"))


@dataclass(frozen=True)
class ImportCounts:
    """How far an import is, in items that are still its own: a later import takes up what is not ready."""

    pending: int
    ready: int
    failed: int


@dataclass(frozen=True)
class StoredImport:
    """One import of a collection."""

    id: int
    collection: str
    folder: str
    key: str
    file_name: str
    sha256: str
    asked_by: str
    look: Look
    ignore_errors: bool
    run_ids: tuple[str, ...]
    """Runs that worked on it, in order."""
    created_at: datetime
    registered_at: datetime | None
    """When its items came to be; None: nothing of it is there yet."""
    registered: Registered
    ended_at: datetime | None
    outcome: str
    """Empty until it ended."""
    message: str


class StoredItem(msgspec.Struct, frozen=True, gc=False):
    """One item."""

    id: int
    folder: str
    type: MediaType
    title: str
    urls: tuple[str, ...]
    state: ItemState
    place: str
    """Where it stood in the specification of `import_id`."""
    attempts: int
    """How often its objects were looked at."""
    made_by: int
    """The import that made it."""
    import_id: int
    """The last import that changed it or has to look at it."""
    created_at: datetime
    changed_at: datetime
    media: bytes | None = None
    """Media metadata as JSON."""
    metadata: bytes | None = None
    """Custom metadata as JSON; a list leaves out what is long."""
    objects: bytes | None = None
    """SHA-256 of its kept bytes in the order of its URLs, as a JSON array."""
    rule: str = ""
    message: str = ""
    error_url: str = ""
    metadata_size: int = 0
    """Bytes of the custom metadata."""

    @property
    def revision(self) -> str:
        """Another one after each change."""
        return revision_of(to_micros(self.changed_at))


class FailedFile(msgspec.Struct, frozen=True, gc=False):
    """A line of an import's failure log: one file of an item."""

    item_id: int
    position: int
    """Which of the item's URLs, from 0."""
    row_or_pointer: str
    type: str
    title: str
    object_url: str
    rule: str
    message: str
    attempts: int
    when: datetime


@dataclass(frozen=True)
class Folder:
    """A folder of a collection."""

    path: str
    items: int


@dataclass(frozen=True)
class StoredCollection:
    """A collection as the catalog has it."""

    id: int
    name: str
    schema: str
    schema_revision: int
    """The revision of the schema that its table of facets was made for."""
    revision: int
    """Grows whenever items come, go or move."""
    changes: int
    """Grows whenever anything of it changes: what is published is current while this is the same."""
