"""Classification files by the fastest readers there are: types and lengths checked, the last row of a key wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.classification_files import COLUMNS, classification_file
from benchmarks.task import Task

_LIMIT = 255


def polars_csv(task: Task) -> Callable[[], str]:
    """`read_csv` as text, byte lengths, `unique(keep="last")`."""
    import polars as pl

    path = str(classification_file(task, "csv"))

    def job() -> str:
        return _polars_checked(task, pl.read_csv(path, infer_schema=False))

    return job


def polars_json(task: Task) -> Callable[[], str]:
    """`read_ndjson`, the same checks."""
    import polars as pl

    path = str(classification_file(task, "json"))
    fields = pl.Struct(dict.fromkeys(COLUMNS, pl.String))

    def job() -> str:
        frame = pl.read_ndjson(path, schema={"key": pl.String, "data": fields})
        return _polars_checked(task, frame.unnest("data").rename({"key": "Key"}))

    return job


def duckdb_csv(task: Task) -> Callable[[], str]:
    """`read_csv` as text, the same checks in SQL."""
    path = str(classification_file(task, "csv"))
    return _duckdb_checked(task, f"read_csv('{path}', all_varchar = true)", COLUMNS)


def duckdb_json(task: Task) -> Callable[[], str]:
    """`read_json` of lines, the same checks."""
    path = str(classification_file(task, "json"))
    fields = ", ".join(f"{name} VARCHAR" for name in COLUMNS)
    shape = f"{{key: 'VARCHAR', data: 'STRUCT({fields})'}}"
    source = f"(SELECT key AS Key, data.* FROM read_json('{path}', format = 'newline_delimited', columns = {shape}))"
    return _duckdb_checked(task, source, COLUMNS)


def msgspec_json(task: Task) -> Callable[[], str]:
    """A typed decoder a line, a dictionary for the last record of a key."""
    import msgspec

    path = classification_file(task, "json")
    record = msgspec.defstruct("Record", [("key", str), ("data", dict[str, str])])
    decoder: Any = msgspec.json.Decoder(record)

    def job() -> str:
        last = {}
        with path.open("rb") as file:
            for line in file:
                found = decoder.decode(line)
                if max(map(len, (found.key, *found.data.values()))) > _LIMIT:
                    raise RuntimeError("a value that the file does not have")
                last[found.key] = found.data
        return _expect(task, len(last))

    return job


def _polars_checked(task: Task, frame: object) -> str:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    if frame.select(pl.all().str.len_bytes().max()).transpose().max().item() > _LIMIT:
        raise RuntimeError("a value that the file does not have")
    return _expect(task, frame.unique("Key", keep="last", maintain_order=True).height)


def _duckdb_checked(task: Task, source: str, columns: tuple[str, ...]) -> Callable[[], str]:
    import duckdb

    lengths = ", ".join(f"max(strlen({name}))" for name in ("Key", *columns))
    connection = duckdb.connect(config={"threads": task.threads})
    connection.execute("SET enable_progress_bar = false")

    def job() -> str:
        connection.execute(f"CREATE TABLE t AS SELECT row_number() OVER () AS n, * FROM {source}")
        [found] = connection.execute(f"SELECT {lengths} FROM t").fetchall()
        if max(found) > _LIMIT:
            raise RuntimeError("a value that the file does not have")
        kept = "SELECT count(*) FROM (SELECT Key, max(n) FROM t GROUP BY Key)"
        [(count,)] = connection.execute(kept).fetchall()
        return _expect(task, count)

    return job


def _expect(task: Task, count: int) -> str:
    if count != task.rows:
        raise RuntimeError(f"{count:,} rows instead of {task.rows:,}")
    return ""
