"""`query.download`: the whole result of a query as a file, made while it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from orchestration.location import Location
from orchestration.services.queries.limits import DOWNLOADED, QueryLimits
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    from orchestration.services.queries.session import QuerySession
    from resources.kernel.records import BatchStream

ResultFormat = Literal["csv", "parquet"]
FORMATS: tuple[str, ...] = get_args(ResultFormat)
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_PIECE = 1 << 20


@dataclass(frozen=True)
class ResultFile:
    """What the bytes are."""

    file_name: str
    media_type: str
    inputs: Mapping[str, int]
    """The version of each dataset that is read."""


def download_query(
    location: Location,
    sql: str,
    *,
    file_format: str = "csv",
    raw: bool = False,
    limits: QueryLimits = DOWNLOADED,
) -> tuple[ResultFile, Iterator[bytes]]:
    """All rows of a query as CSV or Parquet.

    What is wrong with the statement is said before the first byte. An error later ends the bytes, and the caller
    must not end the file as if it were whole.

    Args:
        location: the code location.
        sql: the statement.
        file_format: one of `FORMATS`.
        raw: CSV: leaves texts that look like formulas as they are.
        limits: what it may take.

    Raises:
        InputError: another format, or as of `run_query`.
        NotFoundError: a dataset that it names has no version yet.
    """
    from orchestration.services.queries.session import opened_query

    if file_format not in FORMATS:
        raise InputError(
            f"there is no format {file_format[:40]!r} for a result",
            hint=f"Known: {', '.join(FORMATS)}",
        )
    with ExitStack() as stack:
        session = stack.enter_context(opened_query(location, sql, limits))
        head = ResultFile(f"query.{file_format}", MEDIA_TYPES[file_format], session.inputs)
        held = stack.pop_all()
    chunks = _csv(session, guard=not raw) if file_format == "csv" else _parquet(session)
    return head, _closing(held, chunks)


def save(chunks: Iterator[bytes], target: Path) -> int:
    """Writes a file, whole or not at all. Returns its bytes."""
    partial = target.with_name(f".{target.name}.partial")
    size = 0
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return size


def _closing(held: ExitStack, chunks: Iterator[bytes]) -> Iterator[bytes]:
    with held:
        yield from chunks


def _parquet(session: QuerySession) -> Iterator[bytes]:
    with session.copy_parquet().open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _csv(session: QuerySession, *, guard: bool) -> Iterator[bytes]:
    from resources.formats.csv_write import CsvWriter

    return CsvWriter(guard=guard).chunks(_named(session))


def _named(session: QuerySession) -> BatchStream:
    """The result under its own names, also where two are the same."""
    import pyarrow as pa

    from resources.kernel.records import BatchStream

    stream = session.stream()
    names = [column.name for column in session.columns]
    schema = pa.schema([pa.field(n, f.type) for n, f in zip(names, stream.schema, strict=True)])
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in stream)
    return BatchStream(schema, batches)
