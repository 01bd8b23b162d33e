"""The jobs and who takes part in each, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.jobs import Contender, Goal, Job

_OURS = "benchmarks.contenders.ours"
_LIMITS = "benchmarks.contenders.limits"
_DLT = "benchmarks.contenders.peers_dlt"
_FRAMES = "benchmarks.contenders.peers_frames"
_SMALL = "benchmarks.contenders.small_objects"
_MARIADB = "benchmarks.contenders.mariadb"
_CLASSES = "benchmarks.contenders.classification"
_CLASS_PEERS = "benchmarks.contenders.peers_classification"
_SPECIFICATIONS = "benchmarks.contenders.specification"
_MOST_ITEMS = 500_000


JOBS: tuple[Job, ...] = (
    Job(
        name="J1",
        title="CSV file to dataset",
        intro="The limit and the peers write plain Parquet files. Waybill detects and types under its strict rule, writes"
        " a version with checksums and publishes it durably.",
        needs_server=False,
        reads_dataset=False,
        contenders=(
            Contender("ours", "ours", "Waybill import", f"{_OURS}:csv_to_dataset"),
            Contender(
                "limit",
                "limit",
                "DuckDB COPY read_csv to Parquet",
                f"{_LIMITS}:duckdb_csv_to_parquet",
            ),
            Contender("polars", "peer", "polars sink_parquet", f"{_FRAMES}:polars_csv_to_parquet"),
            Contender(
                "pandas",
                "peer",
                "pandas chunks to ParquetWriter",
                f"{_FRAMES}:pandas_csv_to_parquet",
            ),
            Contender("dlt-arrow", "peer", "dlt over pyarrow open_csv", f"{_DLT}:csv_by_pyarrow"),
            Contender("dlt-duckdb", "peer", "dlt with read_csv_duckdb", f"{_DLT}:csv_by_duckdb"),
        ),
        goals=(
            Goal("ours", "at most 1.15x the limit", "wall ratio to limit", 1.15),
            Goal("ours", "1.5x ahead of dlt or more", "lead over peer", 1.5, "dlt-arrow"),
            Goal("ours", "under 1 GB", "peak memory MB", 1000),
        ),
    ),
    Job(
        name="J2",
        title="PostgreSQL table to dataset",
        intro="The limit throws the bytes away: it parses and writes nothing.",
        needs_server=True,
        reads_dataset=False,
        contenders=(
            Contender("ours", "ours", "Waybill import", f"{_OURS}:table_to_dataset"),
            Contender(
                "ours-rows",
                "ours",
                "Waybill, the rows alone",
                f"{_OURS}:table_rows_to_dataset",
                remark="without the fingerprint of the table, for which the server reads it once more",
            ),
            Contender(
                "limit",
                "limit",
                "psql COPY binary > /dev/null",
                f"{_LIMITS}:psql_binary_to_nowhere",
            ),
            Contender(
                "connectorx",
                "peer",
                "connectorx arrow_stream to ParquetWriter",
                f"{_FRAMES}:connectorx_table_to_parquet",
            ),
            Contender(
                "adbc",
                "peer",
                "ADBC batches to ParquetWriter",
                f"{_FRAMES}:adbc_table_to_parquet",
            ),
            Contender(
                "dlt-connectorx",
                "peer",
                "dlt sql_table backend=connectorx",
                f"{_DLT}:table_by_connectorx",
            ),
            Contender(
                "dlt-pyarrow",
                "peer",
                "dlt sql_table backend=pyarrow",
                f"{_DLT}:table_by_pyarrow",
                max_rows=1_000_000,
            ),
            Contender(
                "pandas",
                "peer",
                "pandas read_sql chunks to ParquetWriter",
                f"{_FRAMES}:pandas_table_to_parquet",
                max_rows=1_000_000,
            ),
        ),
        goals=(
            Goal("ours", "at most 1.6x the limit", "wall ratio to limit", 1.6),
            Goal("ours-rows", "the rows alone: at most 1.6x the limit", "wall ratio to limit", 1.6),
            Goal("ours", "no slower than connectorx", "lead over peer", 1.0, "connectorx"),
            Goal("ours", "no slower than ADBC", "lead over peer", 1.0, "adbc"),
            Goal("ours", "no slower than dlt", "lead over peer", 1.0, "dlt-connectorx"),
            Goal("ours", "under 500 MB", "peak memory MB", 500),
        ),
    ),
    Job(
        name="J3",
        title="Dataset to PostgreSQL table (overwrite)",
        intro="The limit loads a ready binary file into an empty table. Waybill reads a stored version, checks it, and"
        " replaces the table in one transaction with a ledger row.",
        needs_server=True,
        reads_dataset=True,
        contenders=(
            Contender("ours", "ours", "Waybill export, no table yet", f"{_OURS}:dataset_to_table"),
            Contender(
                "ours-over",
                "ours",
                "Waybill export over as many old rows",
                f"{_OURS}:dataset_to_table",
                target="filled",
            ),
            Contender(
                "limit",
                "limit",
                "psql \\copy binary file into an empty table",
                f"{_LIMITS}:psql_binary_from_file",
                target="empty",
            ),
            Contender(
                "psql-csv",
                "peer",
                "psql \\copy CSV file into an empty table",
                f"{_LIMITS}:psql_csv_from_file",
                target="empty",
            ),
            Contender(
                "dlt-parquet", "peer", "dlt, Parquet route (ADBC)", f"{_DLT}:parquet_to_postgres"
            ),
            Contender(
                "dlt-csv",
                "peer",
                "dlt, CSV route",
                f"{_DLT}:csv_to_postgres",
                max_rows=1_000_000,
            ),
            Contender(
                "pandas",
                "peer",
                "pandas to_sql",
                f"{_FRAMES}:pandas_parquet_to_table",
                max_rows=200_000,
                target="empty",
            ),
        ),
        goals=(
            Goal("ours", "no table yet: at most 1.25x the limit", "wall ratio to limit", 1.25),
            Goal("ours-over", "over old rows: at most 1.8x the limit", "wall ratio to limit", 1.8),
            Goal("ours", "no table yet: under 600 MB", "peak memory MB", 600),
            Goal("ours-over", "over old rows: under 600 MB", "peak memory MB", 600),
        ),
    ),
    Job(
        name="J4",
        title="10,000 small S3 objects to one dataset",
        intro="moto's S3 in a process of its own, every answer 15 ms late as those of S3 are. The limit gets all objects"
        " over 32 connections with unsigned requests and throws them away.",
        needs_server=False,
        reads_dataset=False,
        needs_objects=True,
        contenders=(
            Contender("ours", "ours", "Waybill import", f"{_SMALL}:objects_to_dataset"),
            Contender("limit", "limit", "GETs over 32 connections", f"{_SMALL}:objects_to_nowhere"),
            Contender(
                "one-by-one",
                "peer",
                "boto3 get_object, pyarrow csv, one after another",
                f"{_SMALL}:boto3_one_by_one",
            ),
            Contender(
                "one-by-one-typed",
                "ours",
                "one after another with Waybill's reader",
                f"{_SMALL}:typed_one_by_one",
                remark="what reading each object for itself costs",
            ),
            Contender(
                "dlt",
                "peer",
                "dlt filesystem, read_csv",
                "benchmarks.contenders.peers_objects:objects_by_filesystem",
            ),
        ),
        goals=(
            Goal(
                "ours",
                "5x the speed of one after another",
                "lead over peer",
                5.0,
                "one-by-one",
            ),
            Goal("ours", "under 500 MB", "peak memory MB", 500),
        ),
    ),
    Job(
        name="J5",
        title="MariaDB table to dataset",
        intro="The limit receives the rows in binary form and throws them away.",
        needs_server=False,
        needs_mariadb=True,
        reads_dataset=False,
        contenders=(
            Contender("ours", "ours", "Waybill import", f"{_MARIADB}:table_to_dataset"),
            Contender(
                "ours-rows",
                "ours",
                "Waybill, the rows alone",
                f"{_MARIADB}:table_rows_to_dataset",
                remark="without the fingerprint, which is made of the rows as they come",
            ),
            Contender(
                "limit",
                "limit",
                "binary rows to nowhere",
                f"{_MARIADB}:binary_rows_to_nowhere",
            ),
            Contender(
                "connectorx",
                "peer",
                "connectorx arrow_stream to ParquetWriter",
                f"{_FRAMES}:connectorx_mariadb_to_parquet",
            ),
            Contender(
                "dlt-connectorx",
                "peer",
                "dlt sql_table backend=connectorx",
                f"{_DLT}:mariadb_by_connectorx",
            ),
        ),
        goals=(
            Goal("ours-rows", "no slower than connectorx", "lead over peer", 1.0, "connectorx"),
            Goal("ours-rows", "no slower than dlt", "lead over peer", 1.0, "dlt-connectorx"),
            Goal("ours", "no slower than connectorx", "lead over peer", 1.0, "connectorx"),
            Goal("ours", "no slower than dlt", "lead over peer", 1.0, "dlt-connectorx"),
            Goal("ours", "under 500 MB", "peak memory MB", 500),
        ),
    ),
    Job(
        name="J6",
        title="Classification file to classification set",
        intro="A key and five values a row; 600,000 rows are 50 MB of CSV. The limit is the csv module over all rows with their"
        " lengths checked; JSON is held against `json.loads` of each line, applying against a sorted upsert into SQLite"
        " behind the same pass. Nobody but Waybill tells rows with an error by row and column, and what would change.",
        needs_server=False,
        reads_dataset=False,
        contenders=(
            Contender("ours", "ours", "Waybill check, CSV", f"{_CLASSES}:check_csv"),
            Contender("limit", "limit", "csv module, lengths checked", f"{_CLASSES}:csv_pass"),
            Contender(
                "ours-apply", "ours", "Waybill check and apply, CSV", f"{_CLASSES}:apply_csv"
            ),
            Contender("csv-upsert", "limit", "csv module, sorted upsert", f"{_CLASSES}:csv_upsert"),
            Contender(
                "ours-replace",
                "ours",
                "Waybill check and apply over other rows, CSV",
                f"{_CLASSES}:replace_csv",
                remark="every value of a filled set changes, and what was is kept for undo",
            ),
            Contender("ours-json", "ours", "Waybill check, JSON", f"{_CLASSES}:check_json"),
            Contender("json-pass", "limit", "json.loads, lengths checked", f"{_CLASSES}:json_pass"),
            Contender(
                "ours-json-apply",
                "ours",
                "Waybill check and apply, JSON",
                f"{_CLASSES}:apply_json",
            ),
            Contender(
                "json-upsert", "limit", "json.loads, sorted upsert", f"{_CLASSES}:json_upsert"
            ),
            Contender("polars", "peer", "polars read_csv, checks", f"{_CLASS_PEERS}:polars_csv"),
            Contender("duckdb", "peer", "DuckDB read_csv, checks", f"{_CLASS_PEERS}:duckdb_csv"),
            Contender(
                "polars-json", "peer", "polars read_ndjson, checks", f"{_CLASS_PEERS}:polars_json"
            ),
            Contender(
                "duckdb-json", "peer", "DuckDB read_json, checks", f"{_CLASS_PEERS}:duckdb_json"
            ),
            Contender(
                "msgspec", "peer", "msgspec, dictionary, JSON", f"{_CLASS_PEERS}:msgspec_json"
            ),
        ),
        goals=(
            Goal("ours", "CSV check no slower than the limit", "wall ratio to limit", 1.0),
            Goal(
                "ours-apply",
                "CSV applied within 1.5x of the sorted upsert",
                "lead over peer",
                1 / 1.5,
                "csv-upsert",
            ),
            Goal(
                "ours-json",
                "JSON check no slower than json.loads",
                "lead over peer",
                1.0,
                "json-pass",
            ),
            Goal(
                "ours-json-apply",
                "JSON applied within 1.5x of the sorted upsert",
                "lead over peer",
                1 / 1.5,
                "json-upsert",
            ),
            Goal("ours-apply", "CSV applied under 500 MB", "peak memory MB", 500),
            Goal("ours-replace", "CSV over other rows under 500 MB", "peak memory MB", 500),
            Goal("ours-json-apply", "JSON applied under 500 MB", "peak memory MB", 500),
        ),
    ),
    Job(
        name="J7",
        title="Specification of a collection, checked",
        intro="Up to 500,000 items, some 155 MB of JSON. The limits parse the whole file into records in memory and check"
        " nothing but types. Waybill checks every rule in bounded memory; nobody else tells what is wrong where.",
        needs_server=False,
        reads_dataset=False,
        contenders=(
            Contender(
                "ours", "ours", "Waybill check, JSON", f"{_SPECIFICATIONS}:check_json", _MOST_ITEMS
            ),
            Contender(
                "limit",
                "limit",
                "msgspec into records, JSON",
                f"{_SPECIFICATIONS}:msgspec_whole",
                _MOST_ITEMS,
            ),
            Contender(
                "ours-csv",
                "ours",
                "Waybill check, CSV",
                f"{_SPECIFICATIONS}:check_csv",
                _MOST_ITEMS,
            ),
            Contender(
                "csv-records",
                "limit",
                "csv module into records",
                f"{_SPECIFICATIONS}:csv_records",
                _MOST_ITEMS,
            ),
            Contender(
                "ours-items",
                "ours",
                "Waybill check and all items, JSON",
                f"{_SPECIFICATIONS}:drafts_json",
                _MOST_ITEMS,
                remark="the file read twice; metadata as compact JSON",
            ),
        ),
        goals=(
            Goal("ours", "JSON: at most 1.25x the limit", "wall ratio to limit", 1.25),
            Goal(
                "ours-csv",
                "CSV: at most 1.25x the csv module",
                "lead over peer",
                1 / 1.25,
                "csv-records",
            ),
            Goal("ours", "under 500 MB", "peak memory MB", 500),
        ),
    ),
)


def select(only: Sequence[str], wanted: Sequence[str]) -> list[tuple[Job, list[Contender]]]:
    """The jobs and contenders that were asked for; nothing asked = all.

    Args:
        only: names of jobs.
        wanted: families or slugs of contenders; the plural `peers` is understood.

    Raises:
        ValueError: a name that nothing has; lists the known ones.
    """
    jobs = {job.name: job for job in JOBS}
    known = {word for job in JOBS for c in job.contenders for word in (c.slug, c.family)}
    asked = {"peer" if word == "peers" else word for word in wanted}
    _refuse_unknown("job", {name.upper() for name in only} - set(jobs), sorted(jobs))
    _refuse_unknown("contender", asked - known, sorted(known))
    chosen = [jobs[name.upper()] for name in only] or list(JOBS)
    selection = [
        (job, [c for c in job.contenders if not asked or {c.slug, c.family} & asked])
        for job in chosen
    ]
    return [(job, contenders) for job, contenders in selection if contenders]


def _refuse_unknown(noun: str, unknown: set[str], known: list[str]) -> None:
    if unknown:
        raise ValueError(f"unknown {noun} {', '.join(sorted(unknown))}; known: {', '.join(known)}")
