"""What every TableConnector does, whatever its database. A dialect's test class inherits this and supplies fixtures.

```python
class TestSqliteConnector(TableConnectorContract):
    @pytest.fixture
    def database(self, tmp_path) -> Database: ...
```
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from resources.connectors.sql import DatabaseConnector, SqlConfig, open_table_connector
from resources.kernel.errors import ConnectorUnavailableError, InputError, NotFoundError
from resources.kernel.records import (
    BatchStream,
    BrowseEntry,
    Retype,
    SqlQuery,
    TableName,
    TableOrQuery,
)
from tests.contract.looking import PagesOfTables

CANARY = "canary-S3cr3t-p@ss/word"


class Database(ABC):
    """A database under test."""

    config: SqlConfig

    @abstractmethod
    def run(self, *statements: str) -> None:
        """Runs statements, each committed, on a connection of its own."""

    def connector(self) -> DatabaseConnector:
        """A new connector, which knows nothing of earlier reads."""
        return open_table_connector("warehouse", self.config)


def closed_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_table(connector: DatabaseConnector, source: TableOrQuery, **options: Any) -> pa.Table:
    """All of a source, as a writer would take it: again after a Retype."""
    for _ in range(3):
        try:
            with connector.read(source, **options) as stream:
                batches = list(stream)
                assert all(batch.schema.equals(stream.schema) for batch in batches)
                return pa.Table.from_batches(batches, stream.schema)
        except Retype:
            continue
    raise AssertionError(f"{source} asks for other types again and again")


class TableConnectorContract(PagesOfTables):
    """Behaviours that hold for every database."""

    types_table: ClassVar[Sequence[str]]
    """Statements that make the table `kinds` with one row of values and one of nulls, ordered by `id`."""
    expected_types: ClassVar[dict[str, tuple[pa.DataType, Any]]]
    """Column of `kinds`: its Arrow type and the first row's value."""
    encloses_selects: ClassVar[bool] = True
    """Whether `(SELECT ..) UNION ALL (SELECT ..)` is a query there."""

    has_schemas: ClassVar[bool] = False

    @pytest.fixture
    def database(self) -> Database:
        raise NotImplementedError

    @pytest.fixture
    def connector(self, database: Database) -> DatabaseConnector:
        return database.connector()

    def series(self, rows: int) -> str:
        """A FROM item that yields the column `i`: 1 .. rows."""
        return (
            "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s"
            f" WHERE i < {rows}) SELECT i FROM s) AS series"
        )

    def make_big(self, database: Database, rows: int) -> None:
        database.run(
            f"CREATE TABLE big AS SELECT i AS id, 'name ' || i AS name FROM {self.series(rows)}"
        )

    def test_check_tells_each_step(self, connector: DatabaseConnector) -> None:
        report = connector.check()
        assert "version" in report.facts
        names = [step.name for step in report.steps]
        assert all(step.ok and step.detail for step in report.steps)
        if connector.config.path is not None:
            assert names == ["exists", "readable", "database", "rights", "writable"]
        elif connector.config.host:
            assert names[:3] == ["name resolution", "port", "login"]
            assert names[-1] == "rights"
        else:
            assert names == ["login", "rights"]

    def test_check_names_the_step_that_fails(self, database: Database) -> None:
        config = database.config
        if config.host is None:
            field = "path" if config.path is not None else "database"
            place: Any = Path(f"{config.path or config.database}.absent")
            changed = replace(config, **{field: place if field == "path" else str(place)})
            step = "exists" if field == "path" else "login"
        else:
            step, changed = "login", replace(config, password="not-the-one")
            unknown = replace(config, host="no-such-host.invalid")
            self._fails_at(unknown, "name resolution", "no-such-host.invalid")
            self._fails_at(replace(config, port=closed_port()), "port", "nothing listens there")
        self._fails_at(changed, step, "")

    def _fails_at(self, config: SqlConfig, step: str, words: str) -> None:
        report = open_table_connector("warehouse", config).check()
        assert not report.ok
        assert (report.steps[-1].name, report.steps[-1].ok) == (step, False)
        assert all(earlier.ok for earlier in report.steps[:-1])
        assert words in report.detail
        assert report.detail == report.steps[-1].detail

    def test_browsing_leads_to_tables_that_can_be_read(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(
            "CREATE TABLE plain (x integer)",
            "INSERT INTO plain VALUES (1), (2), (3)",
            "CREATE VIEW shown AS SELECT x FROM plain",
            "CREATE TABLE _exports (x integer)",
        )
        path, kinds = "", []
        while True:
            entries = list(connector.browse(path))
            assert [entry.path for entry in entries] == sorted(entry.path for entry in entries)
            if not entries or entries[0].kind in ("table", "view"):
                break
            kinds.append(entries[0].kind)
            path = self.way_to_tables(entries, database.config)
        assert kinds == [kind for kind in ("database", "schema") if kind in kinds]
        assert [(entry.name, entry.kind) for entry in entries] == [
            ("plain", "table"),
            ("shown", "view"),
        ]
        for entry in entries:
            assert read_table(connector, TableName.parse(entry.path)).num_rows == 3
        assert [entry.name for entry in connector.browse(path, limit=1)] == ["plain"]
        assert list(connector.browse(path, limit=0)) == []
        with pytest.raises(NotFoundError):
            list(connector.browse(f"{path}no/such/place"))

    def way_to_tables(self, entries: Sequence[BrowseEntry], config: SqlConfig) -> str:
        """The path of the entry that the test's tables are below."""
        own = {"public", "main", "dbo", config.database}
        return next(entry.path for entry in entries if entry.name in own)

    def test_a_name_with_a_dot_is_read_as_browsing_shows_it(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(f"CREATE TABLE {connector.quote('dot.ted')} (x integer)")
        entries, path = list(connector.browse()), ""
        while entries[0].kind in ("database", "schema"):
            path = self.way_to_tables(entries, database.config)
            entries = list(connector.browse(path))
        (shown,) = [entry.path for entry in entries if entry.name == "dot.ted"]
        for text in (shown, '"dot.ted"'):
            assert read_table(connector, TableName.parse(text)).column_names == ["x"]

    def test_lists_tables_and_views_but_not_what_exports_leave(self, database: Database) -> None:
        database.run(
            "CREATE TABLE b (x integer)",
            "CREATE TABLE a (x integer)",
            "CREATE VIEW c AS SELECT x FROM a",
            "CREATE TABLE _exports (x integer)",
            "CREATE TABLE _stg_0a1b2c3d_000000000000 (x integer)",
        )
        assert [table.name for table in database.connector().list_tables()] == ["a", "b", "c"]

    def test_every_type_arrives_exactly_or_as_text(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(*self.types_table)
        table = read_table(connector, "SELECT * FROM kinds ORDER BY id")
        found = {
            name: (table.schema.field(name).type, table[name][0].as_py())
            for name in table.column_names
        }
        assert found == {"id": found["id"], **self.expected_types}
        assert [n for n in self.expected_types if table[n][1].as_py() is not None] == []

    def test_table_query_and_description_agree(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(*self.types_table)
        schema = read_table(connector, TableName("kinds")).schema
        assert connector.describe(TableName("kinds")).equals(schema)
        assert connector.describe("SELECT * FROM kinds").equals(schema)
        assert read_table(connector, "SELECT * FROM kinds").schema.equals(schema)

    def test_empty_table_has_its_columns_and_no_rows(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run("CREATE TABLE hollow (id integer, name text)")
        table = read_table(connector, TableName("hollow"))
        assert table.num_rows == 0
        assert table.column_names == ["id", "name"]
        assert table.schema.field("name").type == pa.string()

    def test_unicode_and_quotes_in_names_and_values(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(
            'CREATE TABLE "we""ird.naïve ☃" ("größe ""x""" text, "select" text)',
            """INSERT INTO "we""ird.naïve ☃" VALUES ('žluťoučký 🐴 ''quoted''', '')""",
        )
        table = read_table(connector, TableName('we"ird.naïve ☃'))
        assert table.to_pylist() == [{'größe "x"': "žluťoučký 🐴 'quoted'", "select": ""}]

    def test_wide_integers_beside_nulls_are_exact(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        values = [9007199254740993, None, 9223372036854775807, -9223372036854775807]
        rows = ", ".join(f"({i}, {'NULL' if v is None else v})" for i, v in enumerate(values))
        database.run("CREATE TABLE wide (id integer, n bigint)", f"INSERT INTO wide VALUES {rows}")
        table = read_table(connector, "SELECT n FROM wide ORDER BY id")
        assert table.schema.field("n").type == pa.int64()
        assert table["n"].to_pylist() == values

    def test_big_table_is_complete_and_batches_are_bounded(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        self.make_big(database, 30_000)
        with connector.read(TableName("big"), batch_rows=1000) as stream:
            batches = list(stream)
        assert max(batch.num_rows for batch in batches) <= 1000
        ids = pa.Table.from_batches(batches)["id"].to_pylist()
        assert sorted(ids) == list(range(1, 30_001))

    def test_duplicate_names_are_an_error_that_names_both(
        self, connector: DatabaseConnector
    ) -> None:
        with pytest.raises(InputError, match=r"'a' at positions \[1, 3\]"):
            connector.describe("SELECT 1 AS a, 2 AS b, 3 AS a")

    def test_unknown_table_lists_near_names(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run("CREATE TABLE flights (x integer)")
        for act in (connector.describe, connector.fingerprint, lambda s: read_table(connector, s)):
            with pytest.raises(NotFoundError, match="flights"):
                act(TableName("fligths"))

    @pytest.mark.parametrize(
        "query",
        [
            pytest.param("DELETE FROM kept", id="delete"),
            pytest.param("DROP TABLE kept", id="drop"),
            pytest.param("SELECT 1; DELETE FROM kept", id="two statements"),
            pytest.param(
                "SELECT 1) AS a; DELETE FROM kept; SELECT * FROM (SELECT 2", id="closed parenthesis"
            ),
            pytest.param("WITH x AS (SELECT 1) DELETE FROM kept", id="with and delete"),
            pytest.param("-- SELECT\nDELETE FROM kept", id="behind a comment"),
            pytest.param("SELECT no_such_column FROM kept", id="unknown column"),
            pytest.param("SELECT FROM WHERE", id="nonsense"),
            pytest.param("", id="empty"),
        ],
    )
    def test_query_is_one_statement_that_reads(
        self, database: Database, connector: DatabaseConnector, query: str
    ) -> None:
        database.run("CREATE TABLE kept (x integer)", "INSERT INTO kept VALUES (1)")
        for act in (connector.describe, connector.fingerprint, lambda s: read_table(connector, s)):
            with pytest.raises(InputError):
                act(query)
        assert read_table(connector, TableName("kept")).to_pylist() == [{"x": 1}]

    def test_query_may_end_in_semicolon_and_comment(self, connector: DatabaseConnector) -> None:
        assert read_table(connector, "/* one */ SELECT 1 AS a;").num_rows == 1
        assert read_table(connector, "SELECT 1 AS a -- the end").num_rows == 1

    @pytest.mark.parametrize(
        "query",
        [
            "SELECT 1 AS a; -- done",
            "SELECT 1 AS a; /* done */",
            "(SELECT 1 AS a) UNION ALL (SELECT 2 AS a)",
        ],
    )
    def test_a_query_as_people_write_it(self, connector: DatabaseConnector, query: str) -> None:
        """F9."""
        if query.startswith("(") and not self.encloses_selects:
            pytest.skip("SQLite by any driver has the grammar of SQLite")
        table = read_table(connector, query)
        assert (table.column_names, table.column(0).to_pylist()[0]) == (["a"], 1)
        assert table.num_rows == 1 + query.count("UNION")
        assert connector.fingerprint(query)

    def test_a_placeholder_without_parameters_is_named(self, connector: DatabaseConnector) -> None:
        with pytest.raises(InputError, match="no value is given for :wanted"):
            connector.describe("SELECT 1 AS a WHERE 1 = :wanted")

    def test_parameters_are_values_and_nothing_else(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        database.run(
            "CREATE TABLE people (id integer, name varchar(200), born date, ratio decimal(10, 3))",
            "INSERT INTO people VALUES (1, 'Ann', '2001-02-03', 1.5), (-2, 'x'' OR 1=1 -- ', NULL, 2.125)",
        )
        for value in (
            "x' OR 1=1 -- ",
            "' OR ''='",
            "\\' OR 1=1 -- ",
            "%s %(a)s :name ?",
            "a\nb",
            "é☃",
        ):
            query = SqlQuery("SELECT id FROM people WHERE name = :name", {"name": value})
            expected = [{"id": -2}] if value.startswith("x") else []
            assert read_table(connector, query).to_pylist() == expected
        query = SqlQuery(
            "SELECT name, ':no' AS t FROM people /* :no */ WHERE id > :least AND id <> 5-:least"
            " AND born = :born AND ratio < :most AND :flag = :flag -- :no",
            {"least": -1, "born": dt.date(2001, 2, 3), "most": Decimal("1.501"), "flag": 1},
        )
        assert read_table(connector, query).to_pylist() == [{"name": "Ann", "t": ":no"}]
        assert connector.describe(query).names == ["name", "t"]
        assert connector.fingerprint(query) == connector.fingerprint(query)
        nothing = SqlQuery("SELECT id FROM people WHERE name = :name", {"name": None})
        assert read_table(connector, nothing).num_rows == 0
        assert connector.fingerprint(query) != connector.fingerprint(nothing)

    @pytest.mark.parametrize(
        ("text", "parameters", "message"),
        [
            pytest.param(
                "SELECT :a AS a", {"b": CANARY}, "no value is given for :a.* no :b", id="other"
            ),
            pytest.param("SELECT ':a' AS a", {"a": CANARY}, "the query has no :a", id="in quotes"),
            pytest.param("SELECT 'x AS a", {"a": CANARY}, "not closed", id="open quote"),
            pytest.param("SELECT :a AS a", {"a": f"{CANARY}\0"}, "NUL character", id="NUL"),
            pytest.param(
                "SELECT :a AS a", {"a": float("inf")}, "no.* finite number", id="infinite"
            ),
            pytest.param(
                "DELETE FROM t WHERE x = :a", {"a": CANARY}, "may only read", id="writing"
            ),
        ],
    )
    def test_parameters_that_do_not_fit_are_refused_and_not_shown(
        self, connector: DatabaseConnector, text: str, parameters: dict[str, Any], message: str
    ) -> None:
        for act in (connector.describe, connector.fingerprint, lambda s: read_table(connector, s)):
            with pytest.raises(InputError, match=message) as caught:
                act(SqlQuery(text, parameters))
            assert CANARY not in f"{caught.value} {SqlQuery(text, parameters)!r}"

    endless_query: ClassVar[str] = (
        "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 2000000000)"
        " SELECT count(*) AS n FROM s"
    )

    def test_a_query_ends_at_its_time_limit(self, connector: DatabaseConnector) -> None:
        query = SqlQuery(self.endless_query, timeout_seconds=1)
        with pytest.raises(ConnectorUnavailableError, match=r"limit|cancel|interrupt"):
            read_table(connector, query)
        assert connector.config.statement_timeout_seconds is None

    def test_closing_early_leaves_nothing_open(self, database: Database) -> None:
        self.make_big(database, 30_000)
        with database.connector().read(TableName("big"), batch_rows=100) as stream:
            next(iter(stream))
        with database.connector().read(TableName("big")):
            pass
        database.run("DROP TABLE big")  # an open transaction or lock would keep it

    def test_error_of_the_consumer_is_not_the_databases(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        self.make_big(database, 10)
        full = OSError(28, "No space left on device")

        def consume() -> None:
            with connector.read(TableName("big")) as stream:
                next(iter(stream))
                raise full

        with pytest.raises(OSError, match="No space left") as caught:
            consume()
        assert caught.value is full

    def test_stream_may_be_read_in_another_thread(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        self.make_big(database, 1000)
        rows: list[int] = []

        def take(stream: BatchStream) -> None:
            rows.extend(batch.num_rows for batch in stream)

        with connector.read(TableName("big")) as stream:
            thread = threading.Thread(target=take, args=(stream,))
            thread.start()
            thread.join()
        assert sum(rows) == 1000

    def test_fingerprint_holds_while_nothing_changes(self, database: Database) -> None:
        self.make_big(database, 1000)
        for source in (TableName("big"), "SELECT id FROM big"):
            first = database.connector().fingerprint(source)
            database.run("CREATE TABLE IF NOT EXISTS neighbour (x integer)")
            assert database.connector().fingerprint(source) == first

    def test_fingerprint_tells_every_change(self, database: Database) -> None:
        self.make_big(database, 1000)
        changes = [
            "INSERT INTO big VALUES (1001, 'new')",
            "UPDATE big SET name = 'other' WHERE id = 500",
            "UPDATE big SET name = 'name 500' WHERE id = 501",
            "UPDATE big SET name = NULL WHERE id = 1",
            "UPDATE big SET name = '' WHERE id = 1",
            "DELETE FROM big WHERE id = 7",
            "INSERT INTO big VALUES (8, 'same number of rows again')",
            "ALTER TABLE big ADD COLUMN extra integer DEFAULT 5",
            "DELETE FROM big",
        ]
        seen: dict[TableName | str, list[str]] = {TableName("big"): [], "SELECT * FROM big": []}
        for change in [None, *changes]:
            if change:
                database.run(change)
            for source, fingerprints in seen.items():
                fingerprints.append(database.connector().fingerprint(source))
        for fingerprints in seen.values():
            assert len(set(fingerprints)) == len(changes) + 1

    def test_secret_is_shown_nowhere(
        self, database: Database, connector: DatabaseConnector
    ) -> None:
        shown = f"{database.config!r} {database.config} {connector!r} {connector.check()}"
        for secret in database.config.secrets:
            assert secret not in shown
