"""What every delivery does, whatever its target: a target's test class inherits `DeliveryContract` and says where to.

```python
@pytest.mark.postgres
class TestPostgresqlDelivery(DeliveryContract):
    points = ((PostgresqlWriteSession, "execute"), (target_writer, "copy_rows"))

    @pytest.fixture
    def database(self, postgresql: ExportDatabase) -> ExportDatabase:
        return postgresql
```

`points` are the functions before and after which `delivery_kills` kills the process or has it fail: the target's statements
and what sends its rows.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pyarrow as pa
import pytest

from resources.connectors.sql.names import latest_view_name, timestamped_name
from resources.connectors.sql.writing.job import Outcome
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import (
    ConfigError,
    EmptySourceError,
    InputError,
    IntegrityError,
    SchemaMismatchError,
    WaybillError,
)
from resources.kernel.records import Retype, TableName
from tests.contract.delivery_kills import DeliveryFaults, DeliveryKills
from tests.contract.delivery_rehearsal import DeliveryRehearsal
from tests.faults import Child
from tests.resources.connectors.sql.writing.databases import (
    PATIENT,
    QUICK,
    START,
    ExportDatabase,
    broken_stream,
    request,
    sales,
    stream,
)

LIMIT = (63, "bytes")


class DeliveryModes:
    """Modes, empty sources, retries: what a run does to the table that it asks for."""

    def test_overwrite_makes_the_table_and_replaces_its_rows(
        self, database: ExportDatabase
    ) -> None:
        first = database.export(sales(1))
        assert (first.rows, first.swap, first.repeated) == (10, "create", False)
        second = database.export(sales(2, rows=7), run_id="run-2")
        assert (second.rows, second.swap, second.warnings) == (7, "delete+insert", ())
        assert database.versions() == [(2, 7)]
        assert database.names() == {"sales"}
        assert database.ledger() == [
            ("sales", "run-1", "overwrite", 10),
            ("sales", "run-2", "overwrite", 7),
        ]

    @pytest.mark.parametrize("mode", ["overwrite", "append", "timestamp", "safe"])
    def test_a_retried_run_delivers_once(self, database: ExportDatabase, mode: str) -> None:
        first = database.export(sales(1), mode=mode)
        again = database.export(sales(1), mode=mode)
        assert (again.repeated, again.rows, again.swap) == (True, 10, "none")
        assert again.table == first.table
        assert database.versions(first.table.name) == [(1, 10)]

    def test_a_retry_reads_nothing_and_changes_nothing_newer(
        self, database: ExportDatabase
    ) -> None:
        database.export(sales(1))
        database.export(sales(2), run_id="run-2")
        untouched = broken_stream(sales(1), AssertionError("the stream was read"))
        receipt = run_export(database.connector, untouched, request(10), QUICK)
        assert receipt.repeated
        assert database.versions() == [(2, 10)]

    def test_append_adds(self, database: ExportDatabase) -> None:
        database.export(sales(1), mode="append")
        receipt = database.export(sales(2), mode="append", run_id="run-2")
        assert receipt.swap == "insert"
        assert database.versions() == [(1, 10), (2, 10)]

    def test_safe_fails_if_the_table_exists(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        with pytest.raises(InputError, match=r"table .*sales exists already and mode 'safe'"):
            database.export(sales(2), mode="safe", run_id="run-2")
        assert database.versions() == [(1, 10)]

    def test_two_exporters_share_the_ledger(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        database.export(sales(2), exporter="other")
        database.export(sales(3), table=TableName("more"))
        assert database.versions() == [(2, 10)]
        assert len(database.ledger()) == 3

    def test_an_empty_source_keeps_the_rows_unless_allowed(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        empty = sales(2, rows=0)
        with pytest.raises(EmptySourceError, match=r"version 3 returned 0 rows; kept 10 in table"):
            database.export(empty, run_id="run-2")
        with pytest.raises(EmptySourceError, match="nothing was written"):
            database.export(empty, run_id="run-2", table=TableName("fresh"))
        assert database.versions() == [(1, 10)]
        receipt = database.export(empty, run_id="run-2", allow_empty=True)
        assert (receipt.rows, database.table()) == (0, [])
        assert database.export(empty, table=TableName("fresh"), allow_empty=True).swap == "create"
        assert database.names() == {"sales", "fresh"}

    @pytest.mark.parametrize(
        "error", [Retype({"id": "string"}), RuntimeError("cut"), KeyboardInterrupt()], ids=repr
    )
    @pytest.mark.parametrize("exists", [True, False], ids=["existing", "new"])
    def test_a_stream_that_breaks_leaves_the_old_rows(
        self, database: ExportDatabase, error: BaseException, exists: bool
    ) -> None:
        if exists:
            database.export(sales(1))
        with pytest.raises(type(error)) as raised:
            run_export(
                database.connector,
                broken_stream(sales(2), error),
                request(10, run_id="run-2", table=TableName("sales")),
                QUICK,
            )
        assert raised.value is error
        assert database.names() == ({"sales"} if exists else set())
        assert database.export(sales(2), run_id="run-2").rows == 10
        assert database.versions() == [(2, 10)]

    @pytest.mark.parametrize("announced", [9, 11], ids=["too many rows", "too few rows"])
    def test_other_rows_than_announced_are_not_delivered(
        self, database: ExportDatabase, announced: int
    ) -> None:
        database.export(sales(1))
        with pytest.raises(IntegrityError, match=f"announced with {announced} rows and sent 10"):
            run_export(
                database.connector, stream(sales(2)), request(announced, run_id="run-2"), QUICK
            )
        assert database.versions() == [(1, 10)]

    def test_a_table_dropped_since_is_reported_not_made_again(
        self, database: ExportDatabase
    ) -> None:
        database.export(sales(1))
        database.run("DROP TABLE sales")
        receipt = database.export(sales(1))
        assert receipt.repeated
        assert "has been removed since" in receipt.warnings[0]

    def test_a_view_is_no_target(self, database: ExportDatabase) -> None:
        database.run("CREATE VIEW sales AS SELECT 1 AS id")
        with pytest.raises(InputError, match="is a view, not a table"):
            database.export(sales(1))

    def test_a_foreign_ledger_is_not_written(self, database: ExportDatabase) -> None:
        database.run("CREATE TABLE _exports (country text)")
        with pytest.raises(ConfigError, match="no ledger of exports, it lacks committed_at"):
            database.export(sales(1))
        assert database.names() == set()


class DeliveryShapes:
    """Columns that come, go, change or have strange names; other tables beside."""

    def test_a_new_column_is_added(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        wider = sales(2).append_column("price", pa.array([1.5] * 10))
        receipt = database.export(wider, run_id="run-2", mode="append")
        assert receipt.added_columns == ("price",)
        assert database.run("SELECT count(*), count(price) FROM sales") == [(20, 10)]
        receipt = database.export(wider.append_column("z", pa.array(["z"] * 10)), run_id="run-3")
        assert database.run("SELECT count(*), count(price), count(z) FROM sales") == [(10, 10, 10)]

    def test_columns_may_come_in_another_order(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        receipt = database.export(sales(2).select(["name", "version", "id"]), run_id="run-2")
        assert receipt.added_columns == ()
        assert database.table()[3] == (3, 2, "name 3")

    def test_removed_and_retyped_columns_are_all_named(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        changed = pa.table({"id": pa.array(["x"] * 10), "version": [2] * 10})
        with pytest.raises(SchemaMismatchError, match=r"(?s)lacks 'name'.*'id' is .*recreate"):
            database.export(changed, run_id="run-2")
        with pytest.raises(SchemaMismatchError, match="lacks 'name'"):
            database.export(changed, run_id="run-2", mode="append", on_schema_change="recreate")
        assert database.versions() == [(1, 10)]
        receipt = database.export(changed, run_id="run-2", on_schema_change="recreate")
        assert receipt.swap == "recreate"
        assert any("dropped and made again" in warning for warning in receipt.warnings)
        assert database.run("SELECT id, version FROM sales") == [("x", 2)] * 10

    def test_a_table_that_others_refer_to_is_not_made_again(self, database: ExportDatabase) -> None:
        """A foreign key would be gone with the old table, or refer to it for ever."""
        parent = "id bigint PRIMARY KEY, version bigint, name text"
        database.run(
            f"CREATE TABLE sales ({parent})",
            "INSERT INTO sales VALUES (1, 1, 'a')",
            "CREATE TABLE parts (sale bigint, CONSTRAINT of_sale FOREIGN KEY (sale) REFERENCES sales (id))",
        )
        retyped = pa.table({"id": ["x"], "version": [2], "name": ["y"]})
        with pytest.raises(InputError, match="refer to it by foreign keys: parts"):
            database.export(retyped, on_schema_change="recreate")
        assert database.versions() == [(1, 1)]
        assert database.names() == {"sales", "parts"}

    def test_recreate_leaves_a_table_that_fits_alone(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        receipt = database.export(sales(2), run_id="run-2", on_schema_change="recreate")
        assert (receipt.swap, receipt.warnings) == ("delete+insert", ())

    def test_names_with_quotes_percents_and_scripts(self, database: ExportDatabase) -> None:
        columns = ['a"b', "100%", "$1", "été", "select", "a;DROP TABLE x", "%s", "new\nline", "?1"]
        table = pa.table({name: [1, 2] for name in columns})
        for run in ("run-1", "run-2"):
            receipt = database.export(table, table=TableName("Ventes d été"), run_id=run)
        assert receipt.rows == 2
        assert database.run('SELECT * FROM "Ventes d été"') == [(1,) * 9, (2,) * 9]

    def test_other_tables_are_not_touched(self, database: ExportDatabase) -> None:
        """E13; and a user's table is no staging table, whatever its name begins with."""
        database.export(sales(1))
        database.run("CREATE TABLE _stg_mine AS SELECT * FROM sales")
        database.run("CREATE TABLE sales_20260101 AS SELECT * FROM sales")
        for number in range(3):
            database.export(
                sales(2), run_id=f"t{number}", mode="timestamp", keep=1, started_at=START
            )
            database.export(sales(3), run_id=f"o{number}")
        assert database.versions("_stg_mine") == [(1, 10)]
        assert database.versions("sales_20260101") == [(1, 10)]


class DeliveryTables:
    """Mode `timestamp`: a table a run, the view of the newest one, retention."""

    def test_timestamped_tables_with_retention_and_a_view(self, database: ExportDatabase) -> None:
        made = []
        for day in range(4):
            receipt = database.export(
                sales(day),
                mode="timestamp",
                run_id=f"run-{day}",
                started_at=START + timedelta(days=day),
                keep=2,
            )
            made.append(receipt.table.name)
            expected = timestamped_name("sales", START + timedelta(days=day), f"run-{day}", LIMIT)
            assert receipt.table.name == expected
            assert database.versions(latest_view_name("sales", LIMIT)) == [(day, 10)]
        assert receipt.removed_tables == (made[1],)
        assert database.names() == {"sales_latest", *made[2:]}

    def test_the_view_follows_a_change_of_columns(self, database: ExportDatabase) -> None:
        database.export(sales(1), mode="timestamp")
        fewer = pa.table({"version": ["two"] * 3})
        database.export(fewer, mode="timestamp", run_id="run-2")
        assert database.table("sales_latest", "version") == [("two",)] * 3

    @pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
    def test_a_users_own_latest_stays(self, database: ExportDatabase, kind: str) -> None:
        database.run(f"CREATE {kind} sales_latest AS SELECT 7 AS version")
        receipt = database.export(sales(1), mode="timestamp")
        assert any("sales_latest was not made" in warning for warning in receipt.warnings)
        assert database.table("sales_latest", "version") == [(7,)]

    def test_retention_only_drops_what_this_exporter_delivered(
        self, database: ExportDatabase
    ) -> None:
        foreign = timestamped_name("sales", START - timedelta(days=900), "x", LIMIT)
        database.run(f'CREATE TABLE "{foreign}" AS SELECT 1 AS version')
        database.export(sales(1), mode="timestamp", exporter="other", run_id="run-0")
        for day in (1, 2):
            receipt = database.export(
                sales(day),
                mode="timestamp",
                run_id=f"run-{day}",
                started_at=START + timedelta(days=day),
                keep=1,
            )
        assert len(receipt.removed_tables) == 1
        assert foreign in database.names()
        assert timestamped_name("sales", START, "run-0", LIMIT) in database.names()

    def test_retention_spares_what_a_view_needs(self, database: ExportDatabase) -> None:
        first = database.export(sales(1), mode="timestamp").table.name
        database.run(f'CREATE VIEW report AS SELECT * FROM "{first}"')
        receipt = database.export(
            sales(2), mode="timestamp", run_id="run-2", keep=1, started_at=START + timedelta(days=1)
        )
        assert receipt.removed_tables == ()
        assert any(first in warning and "kept" in warning for warning in receipt.warnings)
        assert database.versions("report") == [(1, 10)]


class DeliveryTurns:
    """Several at a time: one delivery a run, one exporter after the other."""

    @pytest.mark.parametrize("mode", ["overwrite", "append", "timestamp", "safe"])
    def test_four_threads_of_one_run_deliver_once(
        self, database: ExportDatabase, mode: str
    ) -> None:
        database.export(sales(0), table=TableName("other"))
        results: list[object] = []

        def export() -> None:
            try:
                results.append(database.export(sales(1), mode=mode))
            except WaybillError as error:
                results.append(error)

        threads = [threading.Thread(target=export) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(str(getattr(result, "repeated", result)) for result in results) == [
            "False",
            "True",
            "True",
            "True",
        ]
        assert database.versions(results[0].table.name) == [(1, 10)]

    @pytest.mark.parametrize("mode", ["overwrite", "append", "timestamp", "safe"])
    def test_a_delivery_between_the_look_and_the_lock_is_found(
        self, database: ExportDatabase, mode: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process of the run delivers just after this one has found nothing in the ledger."""
        if database.dialect == "duckdb":
            pytest.skip("a delivery has the file alone from its first look on")
        database.export(sales(0), table=TableName("other"))
        find, faster = Ledger.find, []

        def find_too_early(ledger: Ledger) -> Outcome | None:
            found = find(ledger)
            if not faster:
                monkeypatch.undo()
                faster.append(database.export(sales(1), mode=mode))
            return found

        monkeypatch.setattr(Ledger, "find", find_too_early)
        slower = database.export(sales(1), mode=mode)
        assert (faster[0].repeated, slower.repeated, slower.rows) == (False, True, 10)
        assert slower.table == faster[0].table
        assert database.versions(slower.table.name) == [(1, 10)]

    def test_four_processes_of_one_run_deliver_once(self, database: ExportDatabase) -> None:
        """E16, into a database without a ledger: making that is a race too."""
        database.settings = PATIENT

        def export() -> list[object]:
            receipt = database.export(sales(1, rows=500), mode="append")
            return [receipt.repeated, receipt.rows]

        children = [Child(export) for _ in range(4)]
        outcomes = [child.wait() for child in children]
        assert [outcome.status for outcome in outcomes] == [0] * 4
        assert sorted(o.answer for o in outcomes) == [[False, 500]] + [[True, 500]] * 3
        assert database.versions() == [(1, 500)]

    def test_exporters_of_one_table_take_turns(self, database: ExportDatabase) -> None:
        """E17: the last one is whole."""
        database.settings = PATIENT

        def export(version: int) -> bool:
            database.export(
                sales(version, rows=300), run_id=f"run-{version}", exporter=f"e{version}"
            )
            return True

        children = [Child(lambda version=version: export(version)) for version in range(4)]
        assert [child.wait().status for child in children] == [0] * 4
        ((_, rows),) = database.versions()
        assert rows == 300
        assert len(database.ledger()) == 4


class DeliveryContract(
    DeliveryModes,
    DeliveryShapes,
    DeliveryTables,
    DeliveryTurns,
    DeliveryRehearsal,
    DeliveryKills,
    DeliveryFaults,
):
    """All of it."""

    @pytest.fixture
    def database(self) -> ExportDatabase:
        raise NotImplementedError("the target's test class supplies the database")
