"""What a connector is. One file a system beside this one; the contract suites in `tests/contract` hold for all.

A connector here is a plain object: it knows its system and no Dagster. `resource.py` is the Dagster face,
`component.py` the YAML face. Vendor errors become `resources.kernel.errors` at one point per connector, with
the cause attached and no secret in the text.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import pyarrow as pa

from resources.kernel.errors import InputError
from resources.kernel.quoting import quoted
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    CheckReport,
    ExportReceipt,
    ExportRequest,
    ObjectInfo,
    TableName,
    TableOrQuery,
    TellStep,
)


class Connector(ABC):
    """A way to another system."""

    kind: ClassVar[str]
    """What the UI and the listings call it: `folder`, `s3`, `postgresql` ..."""

    name: str
    """The user's name for it, for error texts."""

    @abstractmethod
    def check(self, tell: TellStep | None = None) -> CheckReport:
        """Connects, signs in, looks once. Never raises for what the other side says: the report does.

        Args:
            tell: hears of each step as it ends.
        """

    @abstractmethod
    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """What stands directly below `path`, in order of its own path, at most `limit` entries.

        With `after`, the path of an entry, a list that was cut goes on behind that entry.

        Files: folders (a common part of keys counts as one; its path ends in `/`) and objects below a folder.
        Names that begin with a dot are hidden, as in a shell: they are left out unless `path` names them.
        Databases: databases, then schemas, then tables and views with the system's own row estimates, as far as the
        system has such levels.
        Lists only what was asked for: a bucket of a million objects is never listed whole.

        Raises:
            NotFoundError: no such place.
        """


ReadRange = Callable[[int, int], bytes]
"""The bytes of an object from the first number on, at most as many as the second says; fewer where it ends."""


class ObjectInParts(NamedTuple):
    """An object that is there, to be read in parts."""

    size_bytes: int
    etag: str
    """As `stat` tells it."""
    read: ReadRange


class ObjectAddresses(Protocol):
    """URLs of objects, as specifications name them. Nothing is asked of the system: whether one is there, `stat` says."""

    def key_of(self, url: str) -> str | None:
        """The key of the object at a URL that leads into the connector; None for one that leads elsewhere."""

    def url_of(self, key: str) -> str:
        """The URL that names the object at `key`: the same text whenever it is asked."""


class FileConnector(Connector):
    """A place that holds objects under paths: a folder, a bucket, a file server."""

    parallel_copies: ClassVar[int] = 8
    """How many local copies may be asked for at once: what the system and the way to it can bear."""

    settle_seconds: ClassVar[int] = 0
    """How long a file must have been left alone to count as whole; 0 where only whole objects are ever shown."""

    clock_doubt_seconds: ClassVar[int] = 0
    """How far the times shown may be off this machine's clock."""

    addresses: ObjectAddresses
    """URLs of its objects."""

    fetches: ClassVar[bool] = True
    """Whether a local copy has to be fetched; False where files lie here already."""

    @abstractmethod
    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key matches `pattern` and is greater than `after`, in ascending order of key.

        `pattern` is a key or a glob: `*` and `?` stay within one part of the path, `**` crosses parts,
        `[abc]` is a set. Names that begin with a dot match only where the pattern has the dot. Objects are listed lazily where the system allows; a million keys fit in memory.
        With `after` a listing that was left half-way goes on where it stopped (E39).
        """

    @abstractmethod
    def stat(self, key: str) -> ObjectInfo:
        """The object at `key`.

        Raises:
            NotFoundError: there is none.
        """

    @abstractmethod
    def local_copy(self, item: ObjectInfo, scratch: Path) -> AbstractContextManager[Path]:
        """A local file that holds exactly the bytes of `item`, for as long as the context lives.

        A folder hands out its own file; a bucket downloads into `scratch` and removes the copy afterwards.
        Leaving the context without an error proves that the content did not change meanwhile.

        Raises:
            SourceChangedError: the object is not, or no longer, the one listed (E40).
            ConnectorUnavailableError: cut off before its length (E5), or unreachable.
            NotFoundError: deleted since it was listed (E41).
        """

    @contextmanager
    def ranges(self, item: ObjectInfo, scratch: Path) -> Iterator[ReadRange]:
        """Reads single parts of exactly the object that was listed, from many threads at once.

        What cannot send parts brings the whole object down first, into `scratch`.

        Raises:
            SourceChangedError: the object is not, or no longer, the one listed (E40).
            ConnectorUnavailableError: cut off, or unreachable.
            NotFoundError: deleted since it was listed (E41).
        """
        with self.local_copy(item, scratch) as path, path.open("rb") as file:
            yield lambda start, length: os.pread(file.fileno(), length, start)

    @contextmanager
    def open_object(self, key: str, scratch: Path) -> Iterator[ObjectInParts]:
        """The object at `key` for reading as `ranges` does; what it is, is told by the request that reads it where that can be.

        Raises:
            NotFoundError: there is none.
            WaybillError: what `ranges` raises.
        """
        item = self.stat(key)
        with self.ranges(item, scratch) as read:
            yield ObjectInParts(item.size_bytes, item.etag, read)

    @abstractmethod
    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Stores a local file under `key`, whole or not at all; an older object there is replaced (2d)."""


class TableConnector(Connector):
    """A database: tables to read, queries to run, tables to write."""

    max_identifier: ClassVar[tuple[int, str]]
    """Longest name of a table or column and its unit: `(63, "bytes")` (2c)."""

    max_columns: ClassVar[int]
    """Most columns that a table may have (E24)."""

    identifier_quote: ClassVar[str] = '"'
    """What stands around a name in this database's SQL, doubled where the name itself holds it."""

    reading_tells: ClassVar[bool] = False
    """Whether what `read` streams tells its `fingerprint`, which asked for apart would cost a second pass."""

    default_schema: str | None = None
    """Where a table without a schema is looked for; the user's own default when None."""

    def quote(self, name: str) -> str:
        """`name` as it may stand in a statement (T16).

        Raises:
            InputError: an empty name, or one with a NUL character.
        """
        if not name or "\0" in name:
            raise InputError(f"{name[:60]!r} cannot name a table or column")
        return quoted(name, self.identifier_quote)

    def table_sql(self, table: TableName) -> str:
        """`table` as it stands behind FROM."""
        parts = [table.schema or self.default_schema, table.name]
        return ".".join(self.quote(part) for part in parts if part)

    def single_query(self, text: str) -> str:
        """A query as it may stand between parentheses: without what ends it.

        Raises:
            InputError: it is none.
        """
        return text

    @abstractmethod
    def list_tables(self) -> Sequence[TableName]:
        """Tables and views that the user may read, system ones left out, in order of name."""

    @abstractmethod
    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table, or of a query: an `SqlQuery`, or its text alone.

        Raises:
            NotFoundError: no such table; lists near names.
            InputError: two columns of one name (E22), or SQL that the database refuses.
        """

    @abstractmethod
    def fingerprint(self, source: TableOrQuery) -> str:
        """A text that changes when the rows may have changed, as cheaply as the system allows.

        Never the same for changed rows; may differ for unchanged ones.
        """

    def change_hint(self, source: TableOrQuery) -> str:  # noqa: ARG002 - few databases have one
        """A text that costs next to nothing and mostly changes with the rows; empty where there is none.

        It tells which way to look is cheaper, never whether the rows changed: it may stay the same for changed ones.
        """
        return ""

    @abstractmethod
    def read(
        self, source: TableOrQuery, *, batch_rows: int = 65_536
    ) -> AbstractContextManager[BatchStream]:
        """Streams a table or a query as Arrow batches from one consistent snapshot, memory bounded.

        The query is a single statement run read-only (T17). A connection that breaks raises; it never ends
        the stream early (E1). A value that the announced type cannot hold raises `Retype` or an error that
        names the column; it is never changed (E34-E37).
        """

    def head(self, source: TableOrQuery, rows: int) -> AbstractContextManager[BatchStream]:  # noqa: ARG002
        """A stream to take the first `rows` rows from, which may end behind them: for a look, not for an import.

        Types that only the values tell are those of these rows (E12).
        """
        return self.read(source)

    @abstractmethod
    def write(self, stream: BatchStream, request: ExportRequest) -> ExportReceipt:
        """Delivers a stream into a table, atomically and exactly once for its run (2b, 2c).

        A reader of the table sees all old rows or all new ones. Grants, views, indexes, triggers, policies
        and comments of an existing table stay. A ledger row in `_exports` is committed with the rows; when
        the run's row is there already nothing is written and the receipt says `repeated`.

        Raises:
            EmptySourceError: no rows and `allow_empty` is false (E11).
            SchemaMismatchError: columns that the target lacks or types differently, too many of them, names
                that are too long or twins but for case (E20, E23, E24, E38): before anything is written.
            InputError: a value that the target cannot hold, with row and column (E28, E35).
            ConflictError: another session holds the table; the old rows stay (E48).
        """

    @abstractmethod
    def rehearse(
        self, stream: BatchStream, request: ExportRequest, tell: TellStep | None = None
    ) -> CheckReport:
        """What `write` would meet and do, step by step; nothing is created and no row is written.

        Reads the first batch of the stream at most. Never raises for what the other side says: the report does.
        """
