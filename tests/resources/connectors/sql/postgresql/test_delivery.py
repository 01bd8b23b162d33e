"""PostgreSQL: what survives an overwrite, what is refused, who waits for whom (R6, E17, E48-E50)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from psycopg.errors import ForeignKeyViolation

from resources.connectors.sql.writing.run import run_export
from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    InputError,
    IntegrityError,
    SchemaMismatchError,
)
from tests.contract.delivery_rehearsal import rehearse
from tests.resources.connectors.sql.writing.databases import (
    QUICK,
    ExportDatabase,
    broken_stream,
    connect_postgresql,
    request,
    sales,
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


def test_a_rehearsal_names_the_rights_that_are_lacking(postgresql: ExportDatabase) -> None:
    role = f"writer_{postgresql.config.database}"
    postgresql.export(sales(1))
    postgresql.run(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    writer = ExportDatabase(replace(postgresql.config, username=role, password="secret"), QUICK)

    def lacking(**changes: str) -> str:
        report = rehearse(writer, sales(2), **changes)
        return "" if report.ok else report.detail.partition("lacks ")[2]

    try:
        assert lacking().startswith(
            "SELECT on table _exports, INSERT on table _exports, SELECT on table sales,"
            " INSERT on table sales, DELETE on table sales"
        )
        postgresql.run(f"GRANT ALL ON sales, _exports TO {role}")
        assert lacking() == ""
        assert lacking(mode="timestamp").startswith("CREATE on schema public")
        wider = sales(2).append_column("price", pa.array([1.5] * 10))
        assert "ownership of table sales" in rehearse(writer, wider).detail
        assert writer.export(sales(3), run_id="run-3").rows == 10
    finally:
        postgresql.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
