"""The BigQuery connector: Google's own client, a dry run to learn what a query is, rows as Arrow.

The dry run costs nothing, says what kind of statement a text is (T17) and which columns it returns. One query sees one
state of its tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pyarrow as pa

from resources.connectors.sql.browsing import table_entry
from resources.connectors.sql.connector import DatabaseConnector, is_internal, query_subject
from resources.connectors.sql.query_text import BIGQUERY, check_enclosable
from resources.connectors.sql.reading import (
    ReadColumn,
    ReadPlan,
    checked_batches,
    coalesced,
    plan_columns,
    text_guess,
)
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    MissingDependencyError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.records import BatchStream, BrowseEntry, TableName, TableOrQuery

PAGE_ROWS = 10_000

_EXACT: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "INTEGER": pa.int64(),
    "INT64": pa.int64(),
    "FLOAT": pa.float64(),
    "FLOAT64": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "NUMERIC": pa.decimal128(38, 9),
}
_AS_JSON = frozenset({"JSON", "RECORD", "STRUCT"})
_CHECKSUM = (
    "SELECT COUNT(*), SUM(CAST(FARM_FINGERPRINT(t) AS BIGNUMERIC)),"
    " SUM(CAST(FARM_FINGERPRINT(CONCAT('1', t)) AS BIGNUMERIC))"
    " FROM (SELECT TO_JSON_STRING(source) AS t FROM ({}\n) AS source)"
)
_BY_STATUS: dict[int, tuple[type[WaybillError], str]] = {
    400: (InputError, ""),
    401: (ConnectorAuthError, "Check `credentials_json`, or Google's default credentials"),
    403: (ConnectorAuthError, "The account needs BigQuery Job User and BigQuery Data Viewer"),
    404: (NotFoundError, "Check `project`, `dataset` and the names"),
    409: (ConflictError, "Try again"),
}


class BigqueryConnector(DatabaseConnector):
    """BigQuery, read only."""

    kind = "bigquery"
    dialect_name = "bigquery"
    syntax = BIGQUERY
    identifier_quote = "`"
    max_identifier = (1024, "characters")
    max_columns = 10_000

    def client(self) -> Any:
        """Google's client, with a service account's key or whatever Google's default chain finds.

        Raises:
            MissingDependencyError: the client is not installed.
            ConfigError: the key is no service account's key.
        """
        try:
            from google.cloud import bigquery
        except ImportError:
            raise MissingDependencyError(
                "google-cloud-bigquery", extra="bigquery", purpose="A connection to BigQuery"
            ) from None
        options = {"api_endpoint": self.config.host} if self.config.host else None
        return bigquery.Client(
            project=self.config.project,
            credentials=self._credentials(),
            location=self.config.options.get("location"),
            client_options=options,
        )

    def _credentials(self) -> Any:
        if not self.config.credentials_json:
            return None
        from google.oauth2 import service_account

        try:
            info = json.loads(self.config.credentials_json)
            return service_account.Credentials.from_service_account_info(info)
        except (ValueError, TypeError, KeyError):
            raise ConfigError(
                f"{self.label}: `credentials_json` is no key of a service account",
                hint="Put the whole JSON of the key file into the variable",
            ) from None

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """Google's, and those of the transport below."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError

        return (GoogleAPIError, GoogleAuthError, OSError)

    def translate(self, error: Exception, doing: str) -> WaybillError:
        """By HTTP status; without one the connection or the credentials are to blame."""
        text = self.config.redact(" ".join(str(getattr(error, "message", "") or error).split()))[
            :250
        ]
        where = f"{doing} on {self.config.location}"
        status = getattr(error, "code", None)
        if status is not None:
            kind, hint = _BY_STATUS.get(int(status), (ConnectorUnavailableError, "Try again"))
            return kind(f"{where}: {text}", hint=hint, status=int(status))
        if type(error).__module__.startswith("google.auth"):
            is_network = type(error).__name__ == "TransportError"
            kind = ConnectorUnavailableError if is_network else ConnectorAuthError
            return kind(f"{where}: {text}", hint="Check the credentials and the way to Google")
        if isinstance(error, OSError):
            return ConnectorUnavailableError(f"{where}: {text}", hint="Try again")
        return ConnectorError(f"{where}: {text}")

    def probe(self) -> dict[str, str]:
        """Runs a query that reads nothing."""
        with self.translated("connecting"):
            job = self.client().query("SELECT SESSION_USER()", job_config=_job(dry_run=True))
        return {
            "version": "BigQuery",
            "project": str(self.config.project),
            "location": str(job.location),
        }

    def list_tables(self) -> Sequence[TableName]:
        """Tables and views of the dataset, or of all datasets of the project, in order of name."""
        with self.translated("listing tables"):
            client = self.client()
            wanted = self.config.dataset
            names = (
                [wanted] if wanted else sorted(item.dataset_id for item in client.list_datasets())
            )
            found = [
                TableName(item.table_id, None if wanted else name)
                for name in names
                for item in client.list_tables(f"{self.config.project}.{name}")
            ]
        return sorted((t for t in found if not is_internal(t.name)), key=str)

    def schemas(self) -> Sequence[str]:
        """Datasets of the project, or the connector's own."""
        with self.translated("listing datasets"):
            names = [item.dataset_id for item in self.client().list_datasets()]
        return [name for name in names if self.config.dataset in (None, name)]

    def table_entries(self, schema: str | None) -> Iterable[BrowseEntry]:
        """Tables and views of a dataset; asking each for its rows would be a call a table."""
        with self.translated(f"listing dataset {schema}"):
            items = list(self.client().list_tables(f"{self.config.project}.{schema}"))
        return [
            table_entry(item.table_id, schema, is_view="VIEW" in item.table_type) for item in items
        ]

    def describe(self, source: TableOrQuery) -> pa.Schema:
        """The Arrow schema of a table or query, by a dry run."""
        with self.translated(f"describing {query_subject(source)}"):
            return self._plan(self.client(), source)[0].schema

    def fingerprint(self, source: TableOrQuery) -> str:
        """A checksum over all values, computed by BigQuery: it reads, and bills, what reading the source would."""
        with self.translated(f"fingerprinting {query_subject(source)}"):
            client = self.client()
            plan, select = self._plan(client, source)
            job = client.query(_CHECKSUM.format(select), job_config=self._job(source))
            row = next(iter(job.result()))
        text = f"{plan.schema.to_string()} {[str(value) for value in row]}"
        return f"h:{_digest(text)}"

    @contextmanager
    def read(self, source: TableOrQuery, *, batch_rows: int = 65_536) -> Iterator[BatchStream]:
        """Streams a table or query; see `TableConnector.read`."""
        doing = f"reading {query_subject(source)}"
        with ExitStack() as stack:
            with self.translated(doing):
                client = self.client()
                stack.callback(client.close)
                plan, select = self._plan(client, source)
                statement = f"SELECT {plan.select_list} FROM ({select}\n) AS source"
                job = client.query(statement, job_config=self._job(source))
                rows = job.result(page_size=PAGE_ROWS)
            batches = self._batches(rows, plan, source, batch_rows=batch_rows)
            # Outside `translated`: an error of the consumer of the batches is not the database's.
            yield BatchStream(plan.schema, batches, guesses=plan.guesses)

    def _batches(
        self, rows: Any, plan: ReadPlan, source: TableOrQuery, *, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        with self.translated(f"reading {query_subject(source)}"), self.remembering(source):
            raw = checked_batches(rows.to_arrow_iterable(), plan, batch_rows=batch_rows)
            yield from coalesced(raw, batch_rows=batch_rows)

    def _plan(self, client: Any, source: TableOrQuery) -> tuple[ReadPlan, str]:
        where = f"{self.label}: {query_subject(source)}"
        if isinstance(source, TableName):
            select = f"SELECT * FROM {self._table_sql(client, source)}"
        else:
            select = self.query_text(source)
            check_enclosable(select, self.syntax, where=where)
        job = client.query(select, job_config=_job(dry_run=True))
        if job.statement_type != "SELECT":
            raise InputError(
                f"{where}: a query may only read, and this is {job.statement_type}",
                hint="Give a single SELECT statement",
            )
        wide = self.columns_as_text(source)
        columns = [self._column(field, widened=field.name in wide) for field in job.schema]
        return plan_columns(columns, where=where, fold_case=True), select

    def _table_sql(self, client: Any, table: TableName) -> str:
        from google.api_core.exceptions import NotFound

        dataset = table.schema or self.config.dataset
        if not dataset:
            raise NotFoundError(
                f"{self.label}: table {table.name!r} is in no dataset",
                hint="Set `dataset:`, or write `dataset.table`",
            )
        try:
            client.get_table(f"{self.config.project}.{dataset}.{table.name}")
        except NotFound:
            raise self.unknown_table(table, self.list_tables()) from None
        return ".".join(map(self.quote, (str(self.config.project), dataset, table.name)))

    def _column(self, field: Any, *, widened: bool) -> ReadColumn:
        return plan_bigquery_column(
            field.name, field.field_type, field.mode, self.quote(field.name), widened
        )

    def _job(self, source: TableOrQuery) -> Any:
        billed = self.config.options.get("maximum_bytes_billed")
        seconds = self.limited(source).config.statement_timeout_seconds
        return _job(
            maximum_bytes_billed=int(billed) if billed else None,
            job_timeout_ms=seconds * 1000 if seconds else None,
        )

    def quote(self, name: str) -> str:
        """In backticks; BigQuery escapes by a backslash."""
        super().quote(name)
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def plan_bigquery_column(
    name: str, type_name: str, mode: str, column: str, widened: bool
) -> ReadColumn:
    """How a column of this type is read."""
    kind = type_name.upper()
    if mode == "REPEATED" or kind in _AS_JSON:
        return ReadColumn(name, f"TO_JSON_STRING({column}) AS {column}", pa.string())
    if kind in _EXACT and not widened:
        return ReadColumn(name, column, _EXACT[kind])
    expression = f"ST_ASTEXT({column})" if kind == "GEOGRAPHY" else f"CAST({column} AS STRING)"
    guess = text_guess(name, f"{kind} as BigQuery writes it")
    return ReadColumn(name, f"{expression} AS {column}", pa.string(), guess=guess)


def _job(**settings: Any) -> Any:
    from google.cloud.bigquery import QueryJobConfig

    return QueryJobConfig(**{name: value for name, value in settings.items() if value is not None})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
