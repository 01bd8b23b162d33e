"""PostgreSQL: what survives an overwrite, what is refused, who waits for whom (R6, E17, E48-E50)."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from psycopg.errors import ForeignKeyViolation

from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession, lock_key
from resources.connectors.sql.writing.ledger import Ledger
from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.settings import ExportSettings
from resources.kernel.errors import (
    ConflictError,
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    IntegrityError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import TableName
from tests.resources.connectors.sql.writing.databases import (
    QUICK,
    ExportDatabase,
    broken_stream,
    connect_postgresql,
    request,
    sales,
    stream,
)

pytestmark = pytest.mark.postgres

SWAPS = [
    pytest.param(1_000_000, "delete+insert", id="delete"),
    pytest.param(5, "truncate+insert", id="truncate"),
]

MAKE = (
    "CREATE TABLE sales (id bigint PRIMARY KEY, version bigint, name text)",
    "INSERT INTO sales SELECT i, 1, 'old' FROM generate_series(0, 9) i",
)


def dependents(database: ExportDatabase) -> list[tuple[Any, ...]]:
    """Everything that hangs on the table, as the catalog tells it."""
    return database.run(
        "SELECT 'grant', relacl::text FROM pg_class WHERE relname = 'sales'"
        " UNION ALL SELECT 'view', pg_get_viewdef('report'::regclass)"
        " UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE tablename = 'sales'"
        " UNION ALL SELECT 'trigger', tgname || tgfoid::regproc FROM pg_trigger WHERE NOT tgisinternal"
        " UNION ALL SELECT 'policy', polname || relrowsecurity FROM pg_policy JOIN pg_class c ON c.oid = polrelid"
        " UNION ALL SELECT 'comment', description FROM pg_description WHERE objoid = 'sales'::regclass"
        " UNION ALL SELECT 'oid', 'sales'::regclass::oid::text"
        " UNION ALL SELECT 'persistence', relpersistence::text FROM pg_class WHERE relname = 'sales'"
        " ORDER BY 1, 2"
    )


@pytest.mark.parametrize(("limit", "swap"), SWAPS)
def test_dependents_survive_an_overwrite(postgresql: ExportDatabase, limit: int, swap: str) -> None:
    role = f"reader_{postgresql.config.database}"
    postgresql.run(
        *MAKE,
        "CREATE INDEX by_version ON sales (version)",
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON sales TO {role}",
        "CREATE VIEW report AS SELECT version, count(*) FROM sales GROUP BY version",
        "CREATE TABLE log (n serial)",
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO log DEFAULT VALUES; RETURN NULL; END$$",
        "CREATE TRIGGER noting AFTER INSERT ON sales EXECUTE FUNCTION noted()",
        "ALTER TABLE sales ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY everything ON sales USING (true)",
        "COMMENT ON TABLE sales IS 'the sales'",
        "COMMENT ON COLUMN sales.name IS 'a name'",
    )
    before = dependents(postgresql)
    postgresql.settings = replace(QUICK, delete_limit_rows=limit)
    try:
        assert postgresql.export(sales(2)).swap == swap
        assert dependents(postgresql) == before
        assert len({kind for kind, _ in before}) == 8
        assert postgresql.run("SELECT * FROM report") == [(2, 10)]
        assert postgresql.run("SELECT count(*) FROM log") == [(1,)]
    finally:
        postgresql.run(f"REVOKE ALL ON sales FROM {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(("limit", "swap"), SWAPS)
def test_a_table_larger_than_the_limit_is_truncated(
    postgresql: ExportDatabase, limit: int, swap: str
) -> None:
    postgresql.run(*MAKE)
    postgresql.settings = replace(QUICK, delete_limit_rows=limit)
    assert postgresql.export(sales(2)).swap == swap
    assert postgresql.versions() == [(2, 10)]


def test_a_new_table_is_logged_and_loaded_directly(postgresql: ExportDatabase) -> None:
    assert postgresql.export(sales(1)).swap == "create"
    rows = postgresql.run("SELECT relpersistence::text FROM pg_class WHERE relname = 'sales'")
    assert rows == [("p",)]


def test_an_empty_table_is_loaded_directly(postgresql: ExportDatabase) -> None:
    postgresql.run(MAKE[0])
    assert postgresql.export(sales(1)).swap == "insert"
    assert postgresql.versions() == [(1, 10)]


def test_a_foreign_key_child_is_named(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "CREATE TABLE lines (sale bigint CONSTRAINT of_sale REFERENCES sales)",
        "INSERT INTO lines VALUES (3)",
    )
    postgresql.settings = replace(QUICK, delete_limit_rows=5)  # truncate is not possible here
    with pytest.raises(
        InputError, match=r"table lines refer to its old rows \(foreign key of_sale"
    ):
        postgresql.export(sales(2))
    assert postgresql.versions() == [(1, 10)]
    postgresql.run("DELETE FROM lines")
    assert postgresql.export(sales(2)).swap == "delete+insert"


def test_a_deferred_foreign_key_lets_the_same_keys_come_back(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "CREATE TABLE lines (sale bigint REFERENCES sales DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO lines VALUES (3), (9)",
    )
    assert postgresql.export(sales(2)).rows == 10
    with pytest.raises(InputError, match="rows of table lines refer to its old rows"):
        postgresql.export(sales(3, rows=5), run_id="run-2")
    assert postgresql.versions() == [(2, 10)]
    assert postgresql.run("SELECT count(*) FROM lines") == [(2,)]


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_delete_that_changes_other_tables_is_refused(
    postgresql: ExportDatabase, action: str
) -> None:
    postgresql.run(
        *MAKE,
        f"CREATE TABLE lines (sale bigint REFERENCES sales ON DELETE {action})",
        "INSERT INTO lines VALUES (3)",
    )
    with pytest.raises(InputError, match=f"table lines refers to it .* ON DELETE {action}"):
        postgresql.export(sales(2))
    assert postgresql.run("SELECT sale FROM lines") == [(3,)]
    assert postgresql.versions() == [(1, 10)]
    wider = sales(2).set_column(0, "id", pa.array(range(100, 110)))
    assert postgresql.export(wider, mode="append").rows == 10


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_columns_that_the_database_fills(postgresql: ExportDatabase, mode: str) -> None:
    postgresql.run(
        "CREATE TABLE sales (key int GENERATED ALWAYS AS IDENTITY, id bigint, version integer NOT NULL,"
        " name varchar(20), noted timestamptz DEFAULT now(),"
        " twice bigint GENERATED ALWAYS AS (id * 2) STORED)",
        "INSERT INTO sales (id, version, name) VALUES (1, 1, 'old')",
    )
    receipt = postgresql.export(sales(2), mode=mode)
    assert "the database fills key, noted, twice" in receipt.warnings[0]
    where = "version = 2 AND noted IS NOT NULL AND twice = id * 2 AND key IS NOT NULL"
    assert postgresql.run(f"SELECT count(*) FROM sales WHERE {where}") == [(10,)]


def test_identity_values_of_the_data_are_kept(postgresql: ExportDatabase) -> None:
    postgresql.run(
        "CREATE TABLE sales (id bigint GENERATED ALWAYS AS IDENTITY, version integer, name text)",
        "INSERT INTO sales (version) VALUES (1)",
    )
    postgresql.export(sales(2))
    assert postgresql.table()[9] == (9, 2, "name 9")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        pytest.param("extra int NOT NULL", r"lacks 'extra' \(NOT NULL\)", id="required"),
        pytest.param("extra int", "lacks 'extra'", id="nullable"),
        pytest.param("name real", "'name' is real, the data needs text", id="text for a number"),
        pytest.param("version real", "'version' is real, the data needs bigint", id="lossy"),
        pytest.param(
            "name bigint GENERATED ALWAYS AS (id + 1) STORED",
            "itself computes 'name'",
            id="generated",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused_up_front(
    postgresql: ExportDatabase, column: str, words: str
) -> None:
    parts = ["id bigint", "version bigint", "name text"]
    parts = [part for part in parts if part.split()[0] != column.split(maxsplit=1)[0]] + [column]
    postgresql.run(f"CREATE TABLE sales ({', '.join(parts)})")
    untouched = broken_stream(sales(1), AssertionError("the rows were sent"))
    with pytest.raises(SchemaMismatchError, match=words):
        run_export(postgresql.connector, untouched, request(10), QUICK)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        pytest.param("integer", [2**31], "out of range", id="integer"),
        pytest.param("numeric(3,1)", [1000], "overflow", id="numeric"),
    ],
)
def test_a_value_too_large_for_the_column_is_refused(
    postgresql: ExportDatabase, kind: str, values: list[int], words: str
) -> None:
    postgresql.run(f"CREATE TABLE sales (id {kind})", "INSERT INTO sales VALUES (1)")
    with pytest.raises(InputError, match=words):
        postgresql.export(pa.table({"id": values}))
    assert postgresql.run("SELECT id::int FROM sales") == [(1,)]


def test_texts_longer_than_the_column_are_counted_not_cut(postgresql: ExportDatabase) -> None:
    postgresql.run("CREATE TABLE sales (id varchar(3))", "INSERT INTO sales VALUES ('old')")
    with pytest.raises(InputError, match="2 texts of column 'id' are longer than the 3 characters"):
        postgresql.export(pa.table({"id": ["ok", "long", "ab   "]}))
    postgresql.export(pa.table({"id": ["ok", "été"]}))
    assert postgresql.table() == [("ok",), ("été",)]


def test_nulls_for_a_required_column_are_named(postgresql: ExportDatabase) -> None:
    postgresql.run("CREATE TABLE sales (id bigint NOT NULL)", "INSERT INTO sales VALUES (1)")
    with pytest.raises(InputError, match="column 'id' of the table is NOT NULL"):
        postgresql.export(pa.table({"id": [2, None]}))
    assert postgresql.table() == [(1,)]


def test_rows_that_break_a_constraint_are_named(postgresql: ExportDatabase) -> None:
    postgresql.run(*MAKE)
    with pytest.raises(InputError, match=r"unique constraint .*sales_pkey"):
        postgresql.export(sales(2), mode="append")
    assert postgresql.versions() == [(1, 10)]


def test_a_trigger_that_drops_rows_is_noticed(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "CREATE FUNCTION only_even() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.id % 2 = 0 THEN RETURN NEW; END IF; RETURN NULL; END$$",
        "CREATE TRIGGER filter BEFORE INSERT ON sales FOR EACH ROW EXECUTE FUNCTION only_even()",
    )
    with pytest.raises(IntegrityError, match="10 rows were sent and the table stored 5"):
        postgresql.export(sales(2))
    assert postgresql.versions() == [(1, 10)]


def test_many_old_rows_are_deleted_unless_truncating_is_asked_for(
    postgresql: ExportDatabase,
) -> None:
    """An older snapshot would see an empty table, and triggers on DELETE would not fire."""
    postgresql.run(
        MAKE[0],
        "INSERT INTO sales SELECT i, 1, NULL FROM generate_series(1, 1000001) i",
        "CREATE TABLE log (n bigint)",
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO log SELECT count(*) FROM gone; RETURN NULL; END$$",
        "CREATE TRIGGER noting AFTER DELETE ON sales REFERENCING OLD TABLE AS gone EXECUTE FUNCTION noted()",
    )
    with connect_postgresql(postgresql.config) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        assert postgresql.export(sales(2)).swap == "delete+insert"
        assert reader.execute("SELECT count(*) FROM sales").fetchone() == (1_000_001,)
    assert postgresql.run("SELECT n FROM log") == [(1_000_001,)]
    asked = postgresql.export(sales(3), run_id="run-2", truncate_above=5)
    assert asked.swap == "truncate+insert"
    assert postgresql.versions() == [(3, 10)]


@pytest.mark.parametrize("mode", ["overwrite", "append"])
@pytest.mark.parametrize("way", ["INSTEAD", "ALSO"])
def test_rows_that_a_rule_sends_elsewhere_are_refused(
    postgresql: ExportDatabase, mode: str, way: str
) -> None:
    postgresql.run(
        *MAKE,
        "CREATE TABLE elsewhere (LIKE sales)",
        f"CREATE RULE away AS ON INSERT TO sales DO {way} INSERT INTO elsewhere VALUES (NEW.*)",
    )
    with pytest.raises(InputError, match="rule away rewrites an INSERT"):
        postgresql.export(sales(2), mode=mode)
    assert postgresql.versions() == [(1, 10)]
    assert postgresql.versions("elsewhere") == []


def test_rows_of_tables_that_inherit_are_not_deleted(postgresql: ExportDatabase) -> None:
    """E13."""
    postgresql.run(
        *MAKE,
        "CREATE TABLE heir (extra text) INHERITS (sales)",
        "INSERT INTO heir VALUES (77, 9, 'mine', 'x')",
    )
    retyped = pa.table({"id": ["x"], "version": [2]})
    for data, change in ((sales(2), "fail"), (retyped, "recreate")):
        with pytest.raises(InputError, match=r"tables inherit from it \(heir\)"):
            postgresql.export(data, on_schema_change=change)
    assert postgresql.run("SELECT extra FROM heir") == [("x",)]
    assert postgresql.versions() == [(1, 10), (9, 1)]
    more = sales(2).set_column(0, "id", pa.array(range(100, 110)))
    assert postgresql.export(more, mode="append").rows == 10


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_table_that_others_refer_to_is_not_made_again(
    postgresql: ExportDatabase, action: str
) -> None:
    postgresql.run(*MAKE, f"CREATE TABLE lines (sale bigint REFERENCES sales ON DELETE {action})")
    retyped = pa.table({"id": ["x"], "version": [2], "name": ["y"]})
    with pytest.raises(InputError, match=r"foreign keys: lines \(lines_sale_fkey\); nothing"):
        postgresql.export(retyped, on_schema_change="recreate")
    assert postgresql.versions() == [(1, 10)]
    with pytest.raises(ForeignKeyViolation):
        postgresql.run("INSERT INTO lines VALUES (55)")


@pytest.mark.parametrize(
    "key",
    [
        "bigserial",
        "bigint GENERATED ALWAYS AS IDENTITY",
        "bigint GENERATED BY DEFAULT AS IDENTITY (START 5)",
    ],
)
def test_the_next_number_is_a_free_one(postgresql: ExportDatabase, key: str) -> None:
    postgresql.run(f"CREATE TABLE sales (id {key} PRIMARY KEY, version bigint, name text)")
    postgresql.export(sales(1))
    assert postgresql.run("INSERT INTO sales (version) VALUES (7) RETURNING id") == [(10,)]
    postgresql.export(sales(2, rows=3), run_id="run-2")
    assert postgresql.run("INSERT INTO sales (version) VALUES (7) RETURNING id") == [(11,)]


def test_a_sequence_of_somebody_else_is_named(postgresql: ExportDatabase) -> None:
    role = f"writer_{postgresql.config.database}"
    postgresql.run(
        "CREATE TABLE sales (id bigserial, version bigint, name text)",
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'",
        f"GRANT ALL ON SCHEMA public TO {role}",
        f"GRANT ALL ON sales TO {role}",
    )
    writer = ExportDatabase(replace(postgresql.config, username=role, password="secret"), QUICK)
    try:
        receipt = writer.export(sales(2))
        assert "may not move the sequence sales_id_seq" in receipt.warnings[0]
    finally:
        postgresql.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_column_that_differs_in_case_is_named(postgresql: ExportDatabase) -> None:
    postgresql.run(*MAKE)
    renamed = sales(2).rename_columns(["Id", "version", "name"])
    with pytest.raises(SchemaMismatchError, match=r"lacks 'id' \(NOT NULL\) \(it has 'Id'"):
        postgresql.export(renamed)


def test_a_trigger_that_keeps_old_rows_is_noticed(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
        "CREATE TRIGGER keeping BEFORE DELETE ON sales FOR EACH ROW EXECUTE FUNCTION keep()",
    )
    with pytest.raises(ConnectorError, match="keeps its old rows"):
        postgresql.export(sales(2))
    assert postgresql.versions() == [(1, 10)]


def test_hidden_rows_are_not_left_between_new_ones(postgresql: ExportDatabase) -> None:
    role = f"loader_{postgresql.config.database}"
    postgresql.run(
        *MAKE,
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'",
        f"GRANT ALL ON SCHEMA public TO {role}",
        f"GRANT ALL ON sales TO {role}",
        "ALTER TABLE sales ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON sales USING (id < 5) WITH CHECK (true)",
    )
    loader = ExportDatabase(replace(postgresql.config, username=role, password="secret"), QUICK)
    try:
        with pytest.raises(ConnectorAuthError, match="row security hides rows"):
            loader.export(sales(2))
        assert postgresql.versions() == [(1, 10)]
        more = sales(2).set_column(0, "id", pa.array(range(100, 110)))
        assert loader.export(more, mode="append").rows == 10
    finally:
        postgresql.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_reader_that_holds_the_table_gives_a_clear_error(postgresql: ExportDatabase) -> None:
    """E48."""
    postgresql.run(*MAKE)
    with connect_postgresql(postgresql.config) as reader:
        reader.execute("BEGIN")
        reader.execute("LOCK TABLE sales IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ConflictError, match="in use by another session; the old rows stay"):
            postgresql.export(sales(2))
    assert postgresql.versions() == [(1, 10)]
    assert postgresql.names() == {"sales"}
    assert postgresql.export(sales(2)).rows == 10


@pytest.mark.parametrize(("limit", "swap"), SWAPS)
def test_a_long_reader_keeps_its_snapshot(
    postgresql: ExportDatabase, limit: int, swap: str
) -> None:
    """While somebody reads, rows are deleted even where truncating was asked for: nobody waits, nobody sees none."""
    postgresql.run(*MAKE)
    postgresql.settings = replace(QUICK, delete_limit_rows=limit)
    with connect_postgresql(postgresql.config) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute("SELECT count(*) FROM sales").fetchone() == (10,)
        assert postgresql.export(sales(2)).swap == "delete+insert"
        assert reader.execute("SELECT DISTINCT version FROM sales").fetchall() == [(1,)]


def test_a_reader_that_goes_away_in_time_is_waited_for(postgresql: ExportDatabase) -> None:
    postgresql.run(*MAKE)
    postgresql.settings = ExportSettings(lock_timeout_seconds=0.2, lock_attempts=100)
    holder = connect_postgresql(postgresql.config)
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE sales IN ACCESS SHARE MODE")
    holder.execute("LOCK TABLE sales IN ROW EXCLUSIVE MODE")
    thread = threading.Timer(0.7, holder.close)
    thread.start()
    assert postgresql.export(sales(2)).rows == 10
    thread.join()
    assert postgresql.versions() == [(2, 10)]


def test_an_exporter_waits_for_another(postgresql: ExportDatabase) -> None:
    """E17."""
    postgresql.settings = replace(QUICK, exporter_wait_seconds=0.2)
    postgresql.export(sales(1))
    with connect_postgresql(postgresql.config) as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("public", "table sales")])
        with pytest.raises(ConflictError, match="another export has been writing this table"):
            postgresql.export(sales(2), run_id="run-2")
        assert postgresql.export(sales(2), table=TableName("other")).rows == 10
    assert postgresql.versions() == [(1, 10)]


def test_a_table_changed_meanwhile_is_a_conflict(postgresql: ExportDatabase) -> None:
    """While rows are staged nobody is kept out."""
    postgresql.run(*MAKE, "ALTER TABLE sales ALTER version TYPE integer")
    table = sales(2)

    def batches() -> Any:
        first, *rest = table.to_batches(max_chunksize=3)
        yield first
        postgresql.run("ALTER TABLE sales ADD COLUMN late int")
        yield from rest

    late = stream(table)
    late.batches = batches()
    with pytest.raises(ConflictError, match="changed the table meanwhile"):
        run_export(postgresql.connector, late, request(10), QUICK)
    assert postgresql.versions() == [(1, 10)]


def test_a_lost_answer_to_commit_delivers_once(
    postgresql: ExportDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E50: the COMMIT took effect, and the line broke before its answer came."""
    import psycopg

    real = PostgresqlWriteSession.execute

    def lossy(self: Any, sql: str, *parameters: object) -> Any:
        found = real(self, sql, *parameters)
        if sql == "COMMIT" and Ledger(self).find() is not None:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return found

    monkeypatch.setattr(PostgresqlWriteSession, "execute", lossy)
    with pytest.raises(ConnectorUnavailableError) as raised:
        postgresql.export(sales(1), mode="append")
    assert raised.value.retryable
    monkeypatch.undo()
    receipt = postgresql.export(sales(1), mode="append")
    assert (receipt.repeated, receipt.rows) == (True, 10)
    assert postgresql.versions() == [(1, 10)]


def test_a_nul_character_is_named_by_row_and_column(postgresql: ExportDatabase) -> None:
    """E28."""
    postgresql.export(sales(1))
    names = [f"n{number}" for number in range(10)]
    names[6] = "a\0b"
    bad = sales(2).set_column(2, "name", pa.array(names))
    with pytest.raises(InputError, match="row 7, column 'name' holds a NUL character") as raised:
        postgresql.export(bad, run_id="run-2")
    assert raised.value.facts["row"] == 7
    assert postgresql.versions() == [(1, 10)]
    assert postgresql.names() == {"sales"}


def test_a_name_that_the_server_would_cut_is_never_sent(postgresql: ExportDatabase) -> None:
    """E38: PostgreSQL only notices a cut name, and another table is hit."""
    short, long = "a" * 63, "a" * 64
    postgresql.export(sales(1), table=TableName(short))
    with pytest.raises(SchemaMismatchError, match="64 bytes long"):
        postgresql.export(sales(2), table=TableName(long))
    with pytest.raises(SchemaMismatchError, match="names of 63 bytes"):
        postgresql.export(pa.table({"é" * 32: [1]}), table=TableName("fresh"))
    name = postgresql.export(sales(3), table=TableName(short), mode="timestamp").table.name
    assert len(name) == 63
    assert postgresql.versions(short) == [(1, 10)]


def test_the_most_columns_that_a_table_may_have(postgresql: ExportDatabase) -> None:
    """E24."""
    wide = pa.table({f"c{number}": [True] for number in range(1600)})
    assert postgresql.export(wide).rows == 1
    with pytest.raises(SchemaMismatchError, match=r"PostgreSQL allows 1,600 columns, .* has 1,601"):
        postgresql.export(wide.append_column("more", pa.array([1])))
    wide = pa.table({f"c{number}": [1] for number in range(1600)})
    with pytest.raises(InputError, match="row is too big"):
        postgresql.export(wide, table=TableName("other"))


def test_recreate_names_what_goes(postgresql: ExportDatabase) -> None:
    postgresql.run(
        *MAKE,
        "GRANT SELECT ON sales TO PUBLIC",
        "CREATE VIEW report AS SELECT * FROM sales",
        "CREATE INDEX by_version ON sales (version)",
    )
    receipt = postgresql.export(
        pa.table({"id": ["a"], "version": [2]}), on_schema_change="recreate"
    )
    text = " ".join(receipt.warnings)
    for gone in ("view report", "grant to PUBLIC", "index by_version", "index sales_pkey"):
        assert gone in text
    assert postgresql.run("SELECT id FROM sales") == [("a",)]


def test_schemas(postgresql: ExportDatabase) -> None:
    with pytest.raises(NotFoundError, match="no schema 'mart'"):
        postgresql.export(sales(1), table=TableName("sales", "mart"))
    postgresql.run('CREATE SCHEMA "my mart"')
    postgresql.export(sales(1), table=TableName("sales", "my mart"))
    assert postgresql.run('SELECT count(*) FROM "my mart".sales') == [(10,)]
    assert postgresql.run('SELECT count(*) FROM "my mart"._exports') == [(1,)]
    by_config = ExportDatabase(replace(postgresql.config, schema="my mart"), QUICK)
    assert by_config.export(sales(2), run_id="run-2").swap == "delete+insert"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        ("CREATE MATERIALIZED VIEW sales AS SELECT 1 AS id", "a materialized view"),
        ("CREATE SEQUENCE sales", "a sequence"),
    ],
    ids=["materialized view", "sequence"],
)
def test_other_things_are_no_target(postgresql: ExportDatabase, make: str, kind: str) -> None:
    postgresql.run(make)
    with pytest.raises(InputError, match=f"is {kind}, not a table"):
        postgresql.export(sales(1))


def test_a_partitioned_table_is_a_target(postgresql: ExportDatabase) -> None:
    postgresql.run(
        "CREATE TABLE sales (id bigint, version bigint, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF sales FOR VALUES FROM (0) TO (5)",
        "CREATE TABLE high PARTITION OF sales FOR VALUES FROM (5) TO (100)",
    )
    postgresql.export(sales(1))
    assert postgresql.export(sales(2), run_id="run-2").swap == "delete+insert"
    assert postgresql.run("SELECT count(*) FROM low") == [(5,)]
    with pytest.raises(InputError, match=r"no partition of relation .* add the partition"):
        postgresql.export(sales(3, rows=200), run_id="run-3")


def test_a_trigger_of_a_partition_that_changes_values_is_told(postgresql: ExportDatabase) -> None:
    postgresql.run(
        "CREATE TABLE sales (id bigint, version bigint, name text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF sales FOR VALUES FROM (0) TO (100)",
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.name := left(NEW.name, 4); RETURN NEW; END$$",
        "CREATE TRIGGER cutting BEFORE INSERT ON low FOR EACH ROW EXECUTE FUNCTION cut()",
    )
    receipt = postgresql.export(sales(1))
    assert "trigger cutting changed the rows" in receipt.warnings[0]


def test_the_view_keeps_its_grants_while_columns_stay(postgresql: ExportDatabase) -> None:
    postgresql.export(sales(1), mode="timestamp")
    postgresql.run("GRANT SELECT ON sales_latest TO PUBLIC")
    receipt = postgresql.export(sales(2), mode="timestamp", run_id="run-2")
    acl = "SELECT relacl::text LIKE '%=r/%' FROM pg_class WHERE relname = 'sales_latest'"
    assert (receipt.warnings, postgresql.run(acl)) == ((), [(True,)])
    other = pa.table({"id": ["x"]})
    receipt = postgresql.export(other, mode="timestamp", run_id="run-3")
    assert "its grants are gone" in receipt.warnings[0]
    postgresql.run("CREATE VIEW needs AS SELECT id FROM sales_latest")
    receipt = postgresql.export(sales(4), mode="timestamp", run_id="run-4")
    assert "still shows the table before" in receipt.warnings[0]
    assert postgresql.run("SELECT * FROM needs") == [("x",)]


def test_decimals_beyond_38_digits_arrive_exactly(postgresql: ExportDatabase) -> None:
    value = Decimal("1234567890123456789012345678901234567890.12")
    table = pa.table({"id": pa.array([value, None], pa.decimal256(45, 2))})
    assert postgresql.export(table).swap == "create"
    assert postgresql.run("SELECT id FROM sales ORDER BY 1 NULLS LAST") == [(value,), (None,)]
    assert postgresql.export(table, run_id="run-2").swap == "delete+insert"


def test_no_session_is_left_open(postgresql: ExportDatabase) -> None:
    postgresql.export(sales(1))
    with connect_postgresql(postgresql.config) as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE sales")
        with pytest.raises(ConflictError):
            postgresql.export(sales(2), run_id="run-2")
    mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while postgresql.run(mine) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
