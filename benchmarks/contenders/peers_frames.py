"""pandas, polars, connectorx and ADBC, each as its users would write the job with memory in mind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.contenders import preload
from benchmarks.task import Task

_CHUNK_ROWS = 500_000


def pandas_csv_to_parquet(task: Task) -> Callable[[], str]:
    """`read_csv` in chunks, each converted and appended to one Parquet file."""
    import pandas as pd

    preload("pyarrow.parquet")
    target = str(Path(task.out) / "flights.parquet")

    def job() -> str:
        dates = ["flight_date", "updated_at"]
        with pd.read_csv(task.csv, chunksize=_CHUNK_ROWS, parse_dates=dates) as chunks:
            _write_frames((chunk.convert_dtypes() for chunk in chunks), target)
        return target

    return job


def polars_csv_to_parquet(task: Task) -> Callable[[], str]:
    """A lazy scan streamed into a Parquet file."""
    import polars as pl

    target = str(Path(task.out) / "flights.parquet")

    def job() -> str:
        pl.scan_csv(task.csv, try_parse_dates=True).sink_parquet(target)
        return target

    return job


def pandas_table_to_parquet(task: Task) -> Callable[[], str]:
    """`read_sql` in chunks over a server-side cursor, each appended to one Parquet file."""
    import pandas as pd
    import sqlalchemy as sa

    preload("pyarrow.parquet")
    target = str(Path(task.out) / "flights.parquet")
    engine = sa.create_engine(task.need_server().url("postgresql+psycopg"))

    def job() -> str:
        with engine.connect().execution_options(stream_results=True) as connection:
            query = sa.text(f"SELECT * FROM {task.table}")
            chunks = pd.read_sql(query, connection, chunksize=100_000)
            _write_frames((chunk.convert_dtypes() for chunk in chunks), target)
        return target

    return job


def connectorx_table_to_parquet(task: Task, driver: str = "postgresql") -> Callable[[], str]:
    """Connectorx's stream of Arrow batches, appended to one Parquet file."""
    import connectorx as cx  # type: ignore[import-not-found]  # lives in the peers' environment only
    from pyarrow import parquet

    target = str(Path(task.out) / "flights.parquet")
    url = task.need_server().url(driver)

    def job() -> str:
        reader = cx.read_sql(
            url, f"SELECT * FROM {task.table}", return_type="arrow_stream", batch_size=100_000
        )
        with parquet.ParquetWriter(target, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        return target

    return job


def connectorx_mariadb_to_parquet(task: Task) -> Callable[[], str]:
    """The same from MariaDB, in its binary protocol, connectorx's default."""
    return connectorx_table_to_parquet(task, driver="mysql")


def adbc_table_to_parquet(task: Task) -> Callable[[], str]:
    """ADBC's PostgreSQL driver in batches of some megabytes, appended to one Parquet file."""
    from adbc_driver_postgresql import dbapi
    from pyarrow import parquet

    target = str(Path(task.out) / "flights.parquet")
    url = task.need_server().url()
    hint = {"adbc.postgresql.batch_size_hint_bytes": str(4 << 20)}

    def job() -> str:
        with dbapi.connect(url) as connection, connection.cursor(adbc_stmt_kwargs=hint) as cursor:
            cursor.execute(f"SELECT * FROM {task.table}")
            reader = cursor.fetch_record_batch()
            with parquet.ParquetWriter(target, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
        return target

    return job


def pandas_parquet_to_table(task: Task) -> Callable[[], str]:
    """`read_parquet`, then `to_sql` with its defaults."""
    import pandas as pd
    import sqlalchemy as sa

    preload("pyarrow.dataset")
    engine = sa.create_engine(task.need_server().url("postgresql+psycopg"))

    def job() -> str:
        frame = pd.read_parquet(task.parquet, dtype_backend="numpy_nullable")
        frame.to_sql(task.target, engine, if_exists="append", index=False)
        return task.target

    return job


def _write_frames(frames: Iterable[Any], target: str) -> None:
    """Appends frames to one Parquet file; the first one settles the types."""
    import pyarrow as pa
    from pyarrow import parquet

    writer: Any = None
    for frame in frames:
        schema = None if writer is None else writer.schema
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        writer = writer or parquet.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
