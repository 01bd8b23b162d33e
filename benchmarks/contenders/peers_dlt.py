"""dlt, by the routes its documentation recommends for tables: Arrow batches, DuckDB's CSV reader, SQL backends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.contenders import preload
from benchmarks.task import Task

_ARROW = ("pandas", "pyarrow.dataset", "dlt.common.libs.pyarrow")
_POSTGRES = ("psycopg2", "psycopg2.extras", "dlt.destinations.impl.postgres.postgres")


def csv_by_pyarrow(task: Task) -> Callable[[], str]:
    """A resource that yields pyarrow's CSV batches, into Parquet on the file system."""
    dlt = _import_dlt(task, *_ARROW)
    from pyarrow import csv

    def rows() -> Iterator[Any]:
        reader = csv.open_csv(
            task.csv,
            read_options=csv.ReadOptions(block_size=8 << 20),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
        with reader:
            yield from reader

    def flights() -> Any:
        return dlt.resource(rows, name="flights", write_disposition="replace")

    return _to_parquet(dlt, task, flights)


def csv_by_duckdb(task: Task) -> Callable[[], str]:
    """Dlt's own CSV reader for big files: `read_csv_duckdb`, as Arrow tables."""
    dlt = _import_dlt(task, *_ARROW, "duckdb")
    from dlt.sources.filesystem import filesystem, read_csv_duckdb  # type: ignore[import-not-found]  # peers only

    path = Path(task.csv)

    def flights() -> Any:
        files = filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name)
        rows = (files | read_csv_duckdb(use_pyarrow=True, chunk_size=100_000)).with_name("flights")
        rows.apply_hints(write_disposition="replace")
        return rows

    return _to_parquet(dlt, task, flights)


def table_by_pyarrow(task: Task) -> Callable[[], str]:
    """`sql_table` with the pyarrow backend, into Parquet on the file system."""
    dlt = _import_dlt(task, *_ARROW, "sqlalchemy.dialects.postgresql.psycopg2", "psycopg2")
    return _sql_table(dlt, task, backend="pyarrow", driver="postgresql+psycopg2")


def table_by_connectorx(task: Task) -> Callable[[], str]:
    """`sql_table` with the connectorx backend, into Parquet on the file system."""
    dlt = _import_dlt(
        task,
        "dlt.common.libs.pyarrow",
        "connectorx",
        "sqlalchemy.dialects.postgresql.psycopg",
        "psycopg",
    )
    return _sql_table(dlt, task, backend="connectorx", driver="postgresql")


def mariadb_by_connectorx(task: Task) -> Callable[[], str]:
    """The same from MariaDB."""
    dlt = _import_dlt(
        task,
        "dlt.common.libs.pyarrow",
        "connectorx",
        "sqlalchemy.dialects.mysql.pymysql",
        "pymysql",
    )
    return _sql_table(dlt, task, backend="connectorx", driver="mysql+pymysql")


def parquet_to_postgres(task: Task) -> Callable[[], str]:
    """Arrow batches of a Parquet file into PostgreSQL by dlt's Parquet (ADBC) route, replacing the table."""
    # dlt's route over ADBC loads polars by the driver manager.
    dlt = _import_dlt(task, *_ARROW, *_POSTGRES, "polars", "adbc_driver_postgresql.dbapi")
    return _to_postgres(dlt, task, "parquet")


def csv_to_postgres(task: Task) -> Callable[[], str]:
    """The same by dlt's CSV (COPY) route."""
    return _to_postgres(_import_dlt(task, *_ARROW, *_POSTGRES), task, "csv")


def _import_dlt(task: Task, *modules: str) -> Any:
    """The module, set up to keep its files in the task's folder and to send nothing anywhere; and what it will load."""
    os.environ["DLT_DATA_DIR"] = str(Path(task.out) / "dlt")
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt  # type: ignore[import-not-found]  # lives in the peers' environment only

    preload(*modules)
    return dlt


def _pipeline(dlt: Any, task: Task, destination: Any) -> Any:
    return dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=str(Path(task.out) / "pipelines"),
        destination=destination,
        dataset_name="bench",
    )


def _to_parquet(dlt: Any, task: Task, source: Callable[[], Any]) -> Callable[[], str]:
    bucket = Path(task.out) / "bucket"
    bucket.mkdir()
    pipeline = _pipeline(dlt, task, dlt.destinations.filesystem(bucket_url=bucket.as_uri()))

    def job() -> str:
        pipeline.run(source(), loader_file_format="parquet")
        return str(bucket / "bench" / "flights" / "*.parquet")

    return job


def _sql_table(dlt: Any, task: Task, *, backend: str, driver: str) -> Callable[[], str]:
    from dlt.sources.sql_database import sql_table  # type: ignore[import-not-found]  # peers only

    server = task.need_server()
    url = server.url(driver)
    schema = "public" if driver.startswith("postgresql") else server.database

    def flights() -> Any:
        rows = sql_table(credentials=url, table=task.table, schema=schema, backend=backend)
        rows = rows.with_name("flights")
        rows.apply_hints(table_name="flights", write_disposition="replace")
        return rows

    return _to_parquet(dlt, task, flights)


def _to_postgres(dlt: Any, task: Task, file_format: str) -> Callable[[], str]:
    from pyarrow import parquet

    def rows() -> Iterator[Any]:
        with parquet.ParquetFile(task.parquet, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=131_072)

    url = task.need_server().url()
    pipeline = _pipeline(dlt, task, dlt.destinations.postgres(credentials=url))

    def job() -> str:
        flights = dlt.resource(rows, name="flights", write_disposition="replace")
        pipeline.run(flights, loader_file_format=file_format)
        return "bench.flights"

    return job
