"""Who gets in, who is shown a password, what a query may do: MySQL connector against MariaDB (F036, F039, T17)."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import (
    ConfigError,
    ConnectorAuthError,
    ConnectorUnavailableError,
    InputError,
    MissingDependencyError,
    NotFoundError,
    UnknownNameError,
    WaybillError,
)
from resources.kernel.records import TableName
from tests.contract.table_connector import CANARY, read_table
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.servers.certificates import make_certificates
from tests.servers.mariadb import MariadbServer

pytestmark = pytest.mark.mariadb


@pytest.fixture
def database(mariadb_server: MariadbServer, mariadb_config: SqlConfig) -> MariadbDatabase:
    return MariadbDatabase(mariadb_server, mariadb_config)


def check(config: SqlConfig) -> tuple[bool, list[tuple[str, bool]], str]:
    report = open_table_connector("warehouse", config).check()
    return report.ok, [(step.name, step.ok) for step in report.steps], report.detail


REACHED = [("name resolution", True), ("port", True)]


def test_check_tells_each_step(database: MariadbDatabase) -> None:
    database.run("CREATE TABLE a (x int)")
    ok, steps, _ = check(database.config)
    assert ok
    assert steps == [*REACHED, ("login", True), ("rights", True)]
    facts = database.connector().check().facts
    assert facts["version"].startswith("MariaDB 1")
    assert facts["user"] == "waybill@%"


@pytest.mark.parametrize(
    ("changes", "failed", "words"),
    [
        pytest.param({"host": "no-such-host.invalid"}, "name resolution", "is unknown", id="host"),
        pytest.param({"port": 1}, "port", "refused", id="port"),
        pytest.param({"password": CANARY}, "login", "Access denied for user", id="password"),
        pytest.param({"username": "nobody"}, "login", "user 'nobody'", id="user"),
        pytest.param({"database": "no_such_db"}, "login", "Check `database`", id="database"),
    ],
)
def test_check_says_which_step_failed(
    database: MariadbDatabase, changes: dict[str, Any], failed: str, words: str
) -> None:
    ok, steps, detail = check(replace(database.config, **changes))
    assert not ok
    assert steps[-1] == (failed, False)
    assert words in detail
    assert CANARY not in detail


def test_tls_is_verified_when_asked_for(database: MariadbDatabase, tmp_path: Path) -> None:
    ca = {"ssl_ca": str(database.server.ca_file)}
    other = {"ssl_ca": str(make_certificates(tmp_path).ca)}
    for host, options in (
        ("127.0.0.1", ca),
        ("localhost", ca),
        ("127.0.0.1", {"ssl_mode": "required"}),
        ("127.0.0.1", {**ca, "ssl_mode": "verify_ca"}),
    ):
        connector = open_table_connector(
            "warehouse", replace(database.config, host=host, options=options)
        )
        steps = {step.name: step.detail for step in connector.check().steps}
        assert steps["TLS"].startswith("TLSv1")
        assert read_table(connector, "SELECT 1 AS a").num_rows == 1
    for options in (other, {"ssl_mode": "verify_identity"}, {**other, "ssl_mode": "verify_ca"}):
        ok, steps, detail = check(replace(database.config, options=options))
        assert not ok
        assert steps == [*REACHED, ("TLS", False)]
        assert "certificate was refused" in detail


def test_a_missing_driver_is_named(
    database: MariadbDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(MissingDependencyError, match=r"waybill\[mysql\]"):
        database.connector().list_tables()


def test_wrong_tls_options_are_refused(database: MariadbDatabase, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="verify_identity"):
        open_table_connector("w", replace(database.config, options={"ssl_mode": "prefered"}))
    with pytest.raises(ConfigError, match="ssl_mode is disabled"):
        open_table_connector(
            "w", replace(database.config, options={"ssl_mode": "disabled", "ssl_ca": "x"})
        )
    missing = replace(database.config, options={"ssl_ca": str(tmp_path / "none.pem")})
    with pytest.raises(ConfigError, match="No such file"):
        open_table_connector("w", missing).list_tables()


def test_a_remote_server_must_prove_itself(database: MariadbDatabase) -> None:
    """Without a word about TLS nothing is sent to a host that is not this machine, but a greeting for TLS."""
    remote = socket.gethostname()
    try:
        address = socket.gethostbyname(remote)
    except OSError:
        pytest.skip("this machine has no name of its own")
    with impostor(plugin=b"mysql_native_password", address=address) as (port, received):
        config = replace(database.config, host=remote, port=port, password=CANARY)
        with pytest.raises(WaybillError, match=r"no TLS|TLS was refused"):
            open_table_connector("w", config).list_tables()
    assert CANARY.encode() not in bytes(received)
    assert b"waybill" not in bytes(received)


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog"])
def test_the_password_is_not_given_in_clear_text(database: MariadbDatabase, plugin: bytes) -> None:
    with impostor(plugin=plugin) as (port, received):
        config = replace(database.config, port=port, password=CANARY)
        with pytest.raises(ConnectorAuthError, match="clear text"):
            open_table_connector("w", config).list_tables()
    assert b"waybill" in bytes(received)
    assert CANARY.encode() not in bytes(received)


def test_a_server_that_asks_for_files_gets_none(database: MariadbDatabase, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    with impostor(plugin=b"", wants=str(secret).encode()) as (port, received):
        config = replace(database.config, port=port)
        with pytest.raises(ConnectorUnavailableError):
            open_table_connector("w", config).list_tables()
    assert b"SET " in bytes(received), "it did not come so far as to ask"
    assert CANARY.encode() not in bytes(received)


def _packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


@contextmanager
def impostor(
    *, plugin: bytes, wants: bytes = b"", address: str = "127.0.0.1"
) -> Iterator[tuple[int, bytearray]]:
    """A server without TLS that asks for the password by a plugin, or answers every statement by asking for a file."""
    received = bytearray()
    listener = socket.create_server((address, 0))
    flags = 0x00080000 | 0x8000 | 0x200 | 0x8 | 0x1 | 0x80
    greeting = (
        b"\x0a5.5.5-10.11.0-MariaDB\0" + struct.pack("<I", 7) + b"12345678\0"
        + struct.pack("<H", flags & 0xFFFF) + b"\x2d\x02\0" + struct.pack("<H", flags >> 16)
        + b"\x15" + bytes(10) + b"123456789012\0" + b"mysql_native_password\0"
    )  # fmt: skip
    ok = b"\0\0\0\x02\0\0\0"

    def serve() -> None:
        try:
            with listener.accept()[0] as client:
                client.settimeout(5)
                client.sendall(_packet(0, greeting))
                received.extend(client.recv(4096))
                asks = b"\xfe" + plugin + b"\0Password: \0" if plugin else ok
                client.sendall(_packet(2, asks))
                first = True
                while data := client.recv(4096):
                    received.extend(data)
                    # `SET NAMES` is let pass; what comes then gets the request for the file.
                    client.sendall(_packet(1, ok if first or not wants else b"\xfb" + wants))
                    first = False
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with closing(listener):
        yield listener.getsockname()[1], received
    thread.join(5)


def test_reading_needs_select_alone(database: MariadbDatabase) -> None:
    """The grant in the docs is enough, and no more than what it says is seen."""
    name = database.config.database
    database.run(
        "CREATE TABLE mine (x int)",
        "INSERT INTO mine VALUES (1)",
        "CREATE TABLE hidden (x int)",
        f"CREATE USER r_{name}@'%' IDENTIFIED BY 'pw'",
        f"GRANT SELECT ON mine TO r_{name}@'%'",
    )
    try:
        config = replace(database.config, username=f"r_{name}", password="pw")
        connector = open_table_connector("w", config)
        assert connector.list_tables() == [TableName("mine", name)]
        assert read_table(connector, TableName("mine")).num_rows == 1
        assert connector.fingerprint(TableName("mine"))
        with pytest.raises(NotFoundError, match="hidden"):
            connector.describe(TableName("hidden"))
        with pytest.raises(ConnectorAuthError, match=r"denied.*hidden"):
            connector.describe("SELECT * FROM hidden")
    finally:
        database.run(f"DROP USER r_{name}@'%'")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT x INTO OUTFILE '{file}' FROM kept",
        "SELECT x FROM kept INTO OUTFILE '{file}'",
        "SELECT x FROM kept /*! INTO OUTFILE '{file}' */",
        "SELECT x FROM kept INTO @a",
        "SELECT 1) AS a JOIN (SELECT 2",
        "WITH a AS (SELECT 1) DELETE FROM kept",
        "SELECT changing() AS x",
    ],
)
def test_a_query_changes_nothing(database: MariadbDatabase, tmp_path: Path, query: str) -> None:
    database.run(
        "CREATE TABLE kept (x integer)",
        "INSERT INTO kept VALUES (1)",
        "CREATE FUNCTION changing() RETURNS int BEGIN DELETE FROM kept; RETURN 1; END",
    )
    file = tmp_path / "stolen"
    tmp_path.chmod(0o777)
    with pytest.raises(InputError):
        read_table(database.connector(), query.format(file=file))
    assert not file.exists()
    assert database.rows("SELECT x FROM kept") == [(1,)]


def test_browse_shows_databases_then_tables(database: MariadbDatabase) -> None:
    name = str(database.config.database)
    database.run(
        "CREATE TABLE a (x int)",
        "INSERT INTO a SELECT seq FROM seq_1_to_100",
        "CREATE VIEW b AS SELECT * FROM a",
        "CREATE TABLE _exports (x int)",
        "ANALYZE TABLE a",
    )
    connector = database.connector()
    entries = {entry.path: entry for entry in connector.browse()}
    assert entries[f"{name}/"].kind == "database"
    assert not {"mysql/", "information_schema/", "performance_schema/"} & entries.keys()
    tables = list(connector.browse(f"{name}/"))
    assert [(t.name, t.kind, t.path) for t in tables] == [
        ("a", "table", f"{name}.a"),
        ("b", "view", f"{name}.b"),
    ]
    assert tables[0].rows == 100
    assert tables[0].size_bytes
    assert tables[1].rows is None
    assert [t.name for t in connector.browse(name, limit=1)] == ["a"]
    with pytest.raises(NotFoundError, match="no database 'nowhere'"):
        list(connector.browse("nowhere"))


def test_tables_of_other_databases_are_reached_by_name(database: MariadbDatabase) -> None:
    with database.server.database() as other:
        database.run(f"CREATE TABLE {other}.far (x int)", f"INSERT INTO {other}.far VALUES (7)")
        connector = database.connector()
        assert read_table(connector, TableName("far", other)).to_pylist() == [{"x": 7}]
        with pytest.raises(NotFoundError, match="no database 'nowhere'"):
            connector.describe(TableName("far", "nowhere"))


def test_names_that_differ_in_case_are_two_tables_here(database: MariadbDatabase) -> None:
    database.run("CREATE TABLE sales (x int)", "CREATE TABLE Sales (y int)")
    connector = database.connector()
    assert connector.describe(TableName("sales")).names == ["x"]
    assert connector.describe(TableName("Sales")).names == ["y"]
    with pytest.raises(NotFoundError, match="sales"):
        connector.describe(TableName("SALES"))
