"""How a data source tells that its source changed: chosen by the user, with what each choice can miss said aloud.

`auto` is what the source itself offers and misses nothing that it can know of. The others are for tables whose
automatic fingerprint costs too much, or says "changed" too often.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from resources.connectors.base import TableConnector
from resources.kernel.errors import ConfigError, InputError, NotFoundError, WaybillError
from resources.kernel.records import ObjectInfo, SqlQuery, TableName
from resources.kernel.retyping import read_settled
from resources.kernel.temporal_text import temporal_texts
from resources.scratch import ScratchFolder
from resources.sources.local_copies import Copier, LocalCopies
from resources.sources.row_digest import digest_rows

Method = Literal["auto", "hash", "rows", "max"]
_ALIAS = "waybill_source"
_SHOWN_VALUE = 200


@dataclass(frozen=True)
class FingerprintRule:
    """What a data source's `fingerprint:` says."""

    method: Method = "auto"
    column: str = ""
    """With `max`: the column whose greatest value tells."""
    rows: bool = False
    """With `max`: whether the number of rows counts as well."""

    def __str__(self) -> str:
        if self.method != "max":
            return self.method
        return f"max of {self.column}" + (" and number of rows" if self.rows else "")

    @classmethod
    def parse(cls, given: object) -> FingerprintRule:
        """The rule that YAML or the command line asks for: a word, or `{max: COLUMN}`, `{max: COLUMN, rows: true}`.

        Raises:
            ConfigError: anything else.
        """
        if isinstance(given, str) and given in get_args(Method) and given != "max":
            return cls(method=given)  # type: ignore[arg-type]  # it is one of the words
        if isinstance(given, Mapping) and set(given) <= {"max", "rows"}:
            column, rows = given.get("max"), given.get("rows", False)
            if isinstance(column, str) and column and isinstance(rows, bool):
                return cls("max", column, rows)
        raise ConfigError(
            f"fingerprint: {str(given)[:80]!r} is not known",
            hint="Give auto, hash or rows, or {max: COLUMN}, or {max: COLUMN, rows: true}",
        )

    def check(self, *, holds: str) -> None:
        """Whether what a connector holds (`files` or `tables`) can be told apart so.

        Raises:
            ConfigError: rows and columns of files.
        """
        if holds == "files" and self.method in ("rows", "max"):
            raise ConfigError(
                f"fingerprint: {self} is for tables and queries",
                hint="Files take auto (name, size, etag or time of change) or hash (of their bytes)",
            )

    def can_miss(self, *, holds: str) -> str:
        """Which changes this rule does not see, for people."""
        if self.method == "hash":
            return "nothing; reads everything each time"
        if self.method == "rows":
            return "changed values, and as many rows deleted as added"
        if self.method == "max":
            lost = "changed values and new rows that leave the greatest value as it is"
            return lost + ("" if self.rows else ", and deleted rows")
        if holds == "files":
            return "a file rewritten with the same etag (where there are no etags: size and time of change)"
        return "nothing"


@dataclass(frozen=True)
class Sign:
    """What a rule found."""

    version: str
    facts: Mapping[str, object]


def sign_of_table(
    rule: FingerprintRule, connector: TableConnector, wanted: TableName | SqlQuery
) -> Sign:
    """The state of a table or a query by a rule.

    Raises:
        NotFoundError: no such table, or no such column, with near names.
        WaybillError: what the database refuses.
    """
    if rule.method == "auto":
        return Sign(connector.fingerprint(wanted), {})
    if rule.method == "hash":
        version, rows = _digest_of_rows(connector, wanted)
        return Sign(version, {"rows": rows})
    try:
        facts = _ask(rule, connector, wanted)
    except (InputError, NotFoundError) as error:
        raise _with_columns(rule, connector, wanted, error) from error
    text = f"{rule}\0{wanted}\0{facts}"
    return Sign(hashlib.sha256(text.encode()).hexdigest()[:32], facts)


def sign_of_bytes(copier: Copier, objects: list[ObjectInfo]) -> Sign:
    """The state of files by their names and bytes; reads all of them.

    Raises:
        SourceChangedError: a file changed while it was read (E40).
    """
    found = []
    with ScratchFolder("fingerprint") as scratch:
        for item in objects:
            with copier.local_copy(item, scratch.path) as path:
                found.append((item, _digest_of_file(path)))
    return _sign_of_digests(found)


def sign_of_copies(copies: LocalCopies) -> Sign:
    """The same of files that are here already; of those that were deleted meanwhile it knows nothing."""
    return _sign_of_digests(
        [(item, _digest_of_file(path)) for item, path in copies if path is not None]
    )


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sign_of_digests(found: Sequence[tuple[ObjectInfo, str]]) -> Sign:
    digest = hashlib.sha256()
    for item, inner in found:
        digest.update(f"{item.key}\0{inner}\n".encode())
    size = sum(item.size_bytes for item, _ in found)
    return Sign(digest.hexdigest()[:32], {"bytes read": size})


def _ask(
    rule: FingerprintRule, connector: TableConnector, wanted: TableName | SqlQuery
) -> dict[str, object]:
    """One statement for one row of figures."""
    wants = {}
    if rule.method == "max":
        # Qualified: SQLite takes a quoted name that is no column for a text.
        wants["greatest"] = f"max({_ALIAS}.{connector.quote(rule.column)})"
    if rule.method == "rows" or rule.rows:
        wants["row_count"] = "count(*)"
    columns = ", ".join(f"{sql} AS {name}" for name, sql in wants.items())
    if isinstance(wanted, TableName):
        query = SqlQuery(f"SELECT {columns} FROM {connector.table_sql(wanted)} {_ALIAS}")
    else:
        inner = connector.single_query(wanted.text)
        # No AS before the alias: Oracle refuses it.
        query = SqlQuery(
            f"SELECT {columns} FROM ({inner}\n) {_ALIAS}",
            wanted.parameters,
            wanted.timeout_seconds,
        )
    values = {name.lower(): value for name, value in _one_row(connector, query).items()}
    facts: dict[str, object] = {}
    if "greatest" in values:
        facts[f"max of {rule.column}"] = str(values["greatest"])[:_SHOWN_VALUE]
    if "row_count" in values:
        facts["rows"] = int(values["row_count"])
    return facts


def _one_row(connector: TableConnector, query: SqlQuery) -> dict[str, Any]:
    def read() -> pa.Table:
        with connector.read(query) as stream:
            return pa.Table.from_batches(list(stream), schema=stream.schema)

    table = read_settled(read, what="the fingerprint's own query")
    columns = zip(table.column_names, table.columns, strict=True)
    return {name: _text(column[0]) for name, column in columns}


def _text(value: pa.Scalar) -> Any:
    """Moments as text: Python has no form for nanoseconds or the year 12000."""
    if pa.types.is_temporal(value.type) and value.is_valid:
        return temporal_texts(pa.array([value]))[0]
    return value.as_py()


def _digest_of_rows(connector: TableConnector, wanted: TableName | SqlQuery) -> tuple[str, int]:
    def read() -> tuple[str, int]:
        with connector.read(wanted) as stream:
            return digest_rows(stream)

    return read_settled(read, what=f"{wanted}: the source")


def _with_columns(
    rule: FingerprintRule,
    connector: TableConnector,
    wanted: TableName | SqlQuery,
    error: WaybillError,
) -> WaybillError:
    """The error about the column when that is what is missing, else `error` itself."""
    names = connector.describe(wanted).names
    if rule.method != "max" or rule.column in names:
        return error
    near = get_close_matches(rule.column, names, n=5, cutoff=0.4) or names[:20]
    return NotFoundError(
        f"fingerprint: there is no column {rule.column!r}",
        hint=f"Columns are: {', '.join(near)}",
        column=rule.column,
    )
