"""BigQuery without Google: Google's own client against an HTTP server that plays its REST interface."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.connectors.sql.bigquery.connector import BigqueryConnector
from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    InputError,
    NotFoundError,
)
from resources.kernel.records import SqlQuery, TableName
from tests.contract.table_connector import CANARY, read_table
from tests.resources.connectors.sql.writing.databases import request, sales, stream
from tests.servers.prompt import Prompt

FIELDS = [
    {"name": "id", "type": "INTEGER", "mode": "NULLABLE"},
    {"name": "price", "type": "NUMERIC", "mode": "NULLABLE"},
    {"name": "at", "type": "TIMESTAMP", "mode": "NULLABLE"},
    {"name": "day", "type": "DATE", "mode": "NULLABLE"},
    {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {"name": "wide", "type": "BIGNUMERIC", "mode": "NULLABLE"},
]
MOMENT = 1_359_621_000_123_456
ROWS = [
    [str(2**53 + 1), "1.5", str(MOMENT), "2013-01-31", '["a"]', "0.00000000000000000001"],
    [None, None, None, None, None, None],
]


class GoogleServer(ThreadingHTTPServer):
    """Answers what the client asks; notes every statement."""

    statement_type = "SELECT"
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.jobs: list[dict[str, Any]] = []


class Handler(Prompt, BaseHTTPRequestHandler):
    server: GoogleServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.jobs.append(body["configuration"])
        configuration = body["configuration"]
        job = {
            "jobReference": {"projectId": "p", "jobId": f"job{len(self.server.jobs)}", "location": "EU"},
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": {"query": {"statementType": self.server.statement_type, "schema": {"fields": FIELDS}}},
        }  # fmt: skip
        self.reply(job)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if "/queries/" in path:
            fields = [{**f, "mode": "NULLABLE", "type": "STRING" if f["name"] in ("tags", "wide") else f["type"]} for f in FIELDS]  # fmt: skip
            rows = [{"f": [{"v": value} for value in row]} for row in ROWS]
            reference = {"projectId": "p", "jobId": path.rsplit("/", 1)[-1], "location": "EU"}
            self.reply(
                {
                    "jobComplete": True,
                    "jobReference": reference,
                    "schema": {"fields": fields},
                    "rows": rows,
                    "totalRows": str(len(rows)),
                }
            )
        elif path.endswith("/tables"):
            self.reply({"tables": [self.table("sales", "TABLE"), self.table("shown", "VIEW")]})
        elif path.endswith("/datasets"):
            self.reply({"datasets": [{"datasetReference": {"projectId": "p", "datasetId": "dwh"}}]})
        elif path.endswith("/tables/sales"):
            self.reply(self.table("sales", "TABLE"))
        else:
            self.reply({"error": {"code": 404, "message": f"Not found {path}"}}, status=404)

    @staticmethod
    def table(name: str, kind: str) -> dict[str, Any]:
        reference = {"projectId": "p", "datasetId": "dwh", "tableId": name}
        return {"tableReference": reference, "type": kind, "id": f"p:dwh.{name}"}

    def reply(self, answer: dict[str, Any], status: int = 200) -> None:
        if self.server.status != 200:
            status = self.server.status
            answer = {"error": {"code": status, "message": f"no {CANARY}"}}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleServer]:
    monkeypatch.setattr(BigqueryConnector, "_credentials", lambda _self: AnonymousCredentials())
    with GoogleServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def config(server: GoogleServer, **changes: Any) -> SqlConfig:
    host = f"http://127.0.0.1:{server.server_address[1]}"
    return replace(SqlConfig("bigquery", project="p", dataset="dwh", host=host), **changes)


def test_a_query_is_looked_at_first_and_read_as_arrow(google: GoogleServer) -> None:
    query = SqlQuery("SELECT * FROM t WHERE name = :name -- :no", {"name": "O'B\\"})
    table = read_table(open_table_connector("w", config(google)), query)
    first, second = table.to_pylist()
    assert first == {
        "id": 2**53 + 1, "price": Decimal("1.500000000"),
        "at": dt.datetime(2013, 1, 31, 8, 30, 0, 123456, tzinfo=dt.UTC), "day": dt.date(2013, 1, 31),
        "tags": '["a"]', "wide": "0.00000000000000000001",
    }  # fmt: skip
    assert set(second.values()) == {None}
    looked, read = google.jobs
    assert looked["dryRun"] is True
    assert looked["query"]["query"] == r"SELECT * FROM t WHERE name = 'O\'B\\' -- :no"
    assert read["query"]["query"].startswith(
        "SELECT `id`, `price`, `at`, `day`, TO_JSON_STRING(`tags`) AS `tags`, CAST(`wide` AS STRING) AS `wide` FROM ("
    )


def test_what_is_no_select_never_runs(google: GoogleServer) -> None:
    google.statement_type = "SCRIPT"
    with pytest.raises(InputError, match="may only read, and this is SCRIPT"):
        open_table_connector("w", config(google)).describe("SELECT 1 AS a")
    assert [job["dryRun"] for job in google.jobs] == [True]
    with pytest.raises(InputError, match="semicolon"):
        open_table_connector("w", config(google)).describe("SELECT 1; DROP TABLE t")


def test_limits_are_sent_with_the_job(google: GoogleServer) -> None:
    changed = config(google, options={"maximum_bytes_billed": "1000"})
    read_table(open_table_connector("w", changed), SqlQuery("SELECT 1 AS a", timeout_seconds=7))
    job = google.jobs[-1]
    assert (job["query"]["maximumBytesBilled"], job["jobTimeoutMs"]) == ("1000", "7000")


def test_tables_browsing_and_unknown_names(google: GoogleServer) -> None:
    connector = open_table_connector("w", config(google))
    assert [str(table) for table in connector.list_tables()] == ["sales", "shown"]
    assert [(e.path, e.kind) for e in connector.browse()] == [("dwh/", "schema")]
    assert [(e.path, e.kind) for e in connector.browse("dwh/")] == [
        ("dwh.sales", "table"), ("dwh.shown", "view"),
    ]  # fmt: skip
    assert connector.describe(TableName("sales")).names == [field["name"] for field in FIELDS]
    assert google.jobs[-1]["query"]["query"] == "SELECT * FROM `p`.`dwh`.`sales`"
    with pytest.raises(NotFoundError, match="Did you mean 'sales'"):
        connector.describe(TableName("salse"))
    assert connector.quote("a`b\\") == "`a\\`b\\\\`"
    assert connector.check().ok


def test_refusals_carry_no_secret(google: GoogleServer) -> None:
    google.status = 403
    connector = open_table_connector("w", config(google, credentials_json=CANARY))
    with pytest.raises(ConnectorAuthError, match="BigQuery Job User") as caught:
        connector.describe("SELECT 1 AS a")
    assert CANARY not in f"{caught.value} {connector.check()} {connector!r} {connector.config!r}"


def test_a_wrong_key_and_an_export_are_refused() -> None:
    wrong = SqlConfig("bigquery", project="p", credentials_json=CANARY)
    with pytest.raises(ConfigError, match="no key of a service account") as caught:
        open_table_connector("w", wrong).list_tables()
    assert CANARY not in str(caught.value)
    with pytest.raises(ConfigError, match="BigQuery is read only here"):
        run_export(open_table_connector("w", wrong), stream(sales(1)), request(10))
