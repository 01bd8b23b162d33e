"""Records that rooms hand to each other. Immutable; no behaviour beyond reading themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import pyarrow as pa

from resources.kernel.quoting import quoted


@dataclass(frozen=True)
class Guess:
    """Something Waybill decided because nothing was declared: shown in the UI, overridable in YAML."""

    subject: str
    """What was guessed: `encoding`, `separator`, `type of 'price'`."""
    value: str
    reason: str
    override: str = ""
    """The YAML attribute that settles it."""


@dataclass
class BatchStream:
    """A table on its way: a schema and Arrow record batches, read once, never held whole.

    `guesses` and `warnings` may grow while the batches are read; they are complete when the iterator ends.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    fingerprint: Callable[[], str] | None = None
    """The source's fingerprint of just these rows, once they have been read to the end; None where reading does not
    tell it."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches

    def close(self) -> None:
        """Ends a stream that is left before its end: what its source holds open is let go."""
        close = getattr(self.batches, "close", None)
        if close is not None:
            close()

    def to_reader(self) -> pa.RecordBatchReader:
        """The same stream through Arrow's C interface."""
        return pa.RecordBatchReader.from_batches(self.schema, self.batches)


class Retype(Exception):  # noqa: N818 - a signal, not an error
    """A stream met a value that does not fit the types announced: ask its source for a new stream.

    The source has seen all values by now, so the next stream holds. What was written from this one is
    thrown away; the caller is the one who wrote it.
    """

    def __init__(self, columns: dict[str, str]) -> None:
        super().__init__(", ".join(f"{name} -> {kind}" for name, kind in columns.items()))
        self.columns = columns


@dataclass(frozen=True)
class ObjectInfo:
    """One object of a bucket or one file of a folder, as a listing shows it.

    `etag` changes whenever the content does: the store's own where it has one, else made of size and
    modification time in nanoseconds.
    """

    key: str
    """Path from the connector's root, `/` between parts."""
    size_bytes: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True)
class TableName:
    """A table or view of a database."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        """As `parse` takes it: in double quotes stands the name, or both parts, where it would be read otherwise."""
        schema = f"{self.schema}." if self.schema else ""
        both = f"{quoted(self.schema)}." if self.schema else ""
        forms = (f"{schema}{self.name}", f"{schema}{quoted(self.name)}", both + quoted(self.name))
        meant = TableName(self.name, self.schema or None)
        return next((text for text in forms if TableName.parse(text) == meant), forms[-1])

    @classmethod
    def parse(cls, text: str) -> TableName:
        """`name` or `schema.name`, a part that holds a dot in double quotes, doubled inside: `sales."a.b"`.

        Standard quotes around parts that would not need them are taken as well: `"Sales"."Orders"`.
        """
        for form in _QUOTED_NAMES:
            if quoted := form.fullmatch(text):
                return cls(_unquoted(quoted["name"]), _unquoted(quoted["schema"] or "") or None)
        schema, dot, name = text.rpartition(".")
        return cls(name=name, schema=schema if dot else None)


_QUOTED = r'"(?:[^"]|"")+"'
_QUOTED_NAMES = (
    re.compile(rf'(?:(?P<schema>{_QUOTED}|[^"]+)\.)?(?P<name>{_QUOTED})', re.DOTALL),
    re.compile(rf'(?P<schema>{_QUOTED})\.(?P<name>[^".]+)', re.DOTALL),
)


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


QueryValue = str | int | float | bool | Decimal | date | datetime | None
"""A value that may stand for a placeholder of a query."""


@dataclass(frozen=True)
class SqlQuery:
    """A query with values for its placeholders, to be run read-only as one statement (T16, T17)."""

    text: str
    """A single SELECT; `:name` outside of quotes and comments stands for a parameter, when there are any."""
    parameters: Mapping[str, QueryValue] = field(default_factory=dict, repr=False, hash=False)
    """Values by name. They are bound by the driver or written as literals, and shown in no error text."""
    timeout_seconds: int | None = None
    """Longest run of the statement, the fetching of its rows included; the connector's own limit when None."""


TableOrQuery = TableName | SqlQuery | str
"""What a database is asked for: a table, or a query, given as text when it has no parameters."""


@dataclass(frozen=True)
class CheckStep:
    """One thing that `connector test` tried."""

    name: str
    """`name resolution`, `port`, `TLS`, `login`, `rights` ..., in the order tried; the first that fails is the last."""
    ok: bool
    detail: str
    """What answered, or why it failed."""


TellStep = Callable[[CheckStep], None]
"""Hears of each step of a test when it has ended, while the test goes on."""


@dataclass(frozen=True)
class CheckReport:
    """What `connector test` found: that it answers, as whom, and what it can do (E4, F036)."""

    ok: bool
    detail: str
    facts: dict[str, str] = field(default_factory=dict)
    steps: tuple[CheckStep, ...] = ()


@dataclass(frozen=True)
class BrowseEntry:
    """One thing that stands directly below a place of a connector (E7, F039, F040)."""

    name: str
    kind: Literal["folder", "object", "database", "schema", "table", "view"]
    path: str
    """What `browse` takes to look into it, or what a data source takes as `path:` or `table:`."""
    size_bytes: int | None = None
    rows: int | None = None
    """The system's own estimate, for tables."""
    modified_at: datetime | None = None


WriteMode = Literal["overwrite", "timestamp", "append", "safe"]


@dataclass(frozen=True)
class ExportRequest:
    """One export of a table to a database.

    A retry of the same run carries the same `run_id` and `started_at`, and is therefore the same export (2c).
    """

    exporter: str
    """The exporter's name: retention and the `_exports` ledger know it by this."""
    table: TableName
    mode: WriteMode
    run_id: str
    started_at: datetime
    """Start of the run, aware UTC: the stamp of a timestamped table."""
    expected_rows: int
    source: str
    """What is exported, for error texts: `dataset flights, version 3`."""
    allow_empty: bool = False
    on_schema_change: Literal["fail", "recreate"] = "fail"
    keep: int | None = None
    """Timestamp mode: how many tables of this exporter to keep; all when None."""
    truncate_above: int | None = None
    """PostgreSQL, overwrite: more old rows than this are truncated, not deleted; never when None."""


@dataclass(frozen=True)
class ExportReceipt:
    """What an export did."""

    table: TableName
    mode: WriteMode
    rows: int
    seconds: float
    swap: str
    """How the new rows replaced the old: `create`, `delete+insert`, `truncate+insert`, `rename`, `none`."""
    repeated: bool = False
    """True when the ledger showed that this run had delivered already and nothing was written."""
    removed_tables: tuple[str, ...] = ()
    added_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredFile:
    """One immutable file of a stored version."""

    path: str
    """Relative to the dataset's folder: `data/<run>-<attempt>/part-00000.parquet`."""
    size_bytes: int
    sha256: str
    rows: int | None = None
    """Number of rows, for tables."""
    partition: str | None = None
    """Key of the partition whose rows it holds; None for a table that has none."""


@dataclass(frozen=True)
class StoredVersion:
    """A manifest: the only thing that makes files a version of something (2a)."""

    number: int
    run_id: str
    created_at: datetime
    files: tuple[StoredFile, ...]
    rows: int | None
    schema: tuple[tuple[str, str], ...]
    """(column, Arrow type as text); empty for what is no table."""
    properties: dict[str, object]
    """Provenance and facts in JSON: source, source version, guesses, method, metrics ..."""
    partitioned_by: str | None = None
    """What tells its partitions apart; None for a table that is replaced as a whole."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)
