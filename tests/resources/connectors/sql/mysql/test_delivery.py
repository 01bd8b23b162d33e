"""MariaDB: what survives an overwrite, what is refused, who finishes what a killed run began (R6, R7, E6, E48, E49)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql.mysql import write_session as mysql
from resources.connectors.sql.names import is_internal_name, staging_name
from resources.kernel.errors import (
    ConflictError,
    ConnectorAuthError,
    InputError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.kernel.records import TableName
from tests.contract.delivery_kills import settle
from tests.contract.delivery_rehearsal import rehearse
from tests.faults import count_steps, kill_at
from tests.resources.connectors.sql.mysql.test_delivery_contract import POINTS
from tests.resources.connectors.sql.writing.databases import (
    PATIENT,
    QUICK,
    ExportDatabase,
    connect_mariadb,
    sales,
)
from tests.servers.mariadb import ONLOOKER

pytestmark = pytest.mark.mariadb

D = Decimal
HALF = datetime(2024, 2, 29, 12, 30, 0, 500_000)  # noqa: DTZ001 - MySQL's datetime has no zone
MAKE = (
    "CREATE TABLE sales (id bigint PRIMARY KEY, version bigint, name longtext)",
    "INSERT INTO sales SELECT seq, 1, 'old' FROM seq_0_to_9",
)
SWAPS = [
    pytest.param(1_000_000, "delete+insert", id="delete"),
    pytest.param(5, "rename", id="rename"),
]


@pytest.mark.parametrize(("limit", "swap"), SWAPS)
def test_dependents_survive_an_overwrite(mariadb: ExportDatabase, limit: int, swap: str) -> None:
    """R6: what belongs to the name stays by itself, what belongs to the table is in its copy, too."""
    reader = f"reader_{mariadb.config.database}"
    mariadb.run(
        *MAKE,
        "CREATE INDEX by_version ON sales (version)",
        "ALTER TABLE sales COMMENT = 'the sales', MODIFY name longtext COMMENT 'a name'",
        f"CREATE USER {reader}",
        f"GRANT SELECT ON sales TO {reader}",
        "CREATE VIEW report AS SELECT version, count(*) AS n FROM sales GROUP BY version",
    )
    mariadb.settings = replace(QUICK, delete_limit_rows=limit)
    before = mariadb.run("SHOW CREATE TABLE sales")
    try:
        assert mariadb.export(sales(2)).swap == swap
        assert mariadb.run("SHOW CREATE TABLE sales") == before
        assert mariadb.run("SELECT * FROM report") == [(2, 10)]
        assert "sales" in mariadb.run(f"SHOW GRANTS FOR {reader}")[-1][0]
        assert mariadb.names() == {"sales", "report"}
    finally:
        mariadb.run(f"DROP USER {reader}")


def test_a_table_with_triggers_is_never_renamed(mariadb: ExportDatabase) -> None:
    mariadb.run(
        *MAKE,
        "CREATE TABLE log (n int)",
        "CREATE TRIGGER noting AFTER INSERT ON sales FOR EACH ROW INSERT INTO log VALUES (NEW.id)",
    )
    mariadb.settings = replace(QUICK, delete_limit_rows=5)
    assert mariadb.export(sales(2)).swap == "delete+insert"
    assert mariadb.run("SELECT count(*) FROM log") == [(10,)]


def test_a_foreign_key_child_is_named(mariadb: ExportDatabase) -> None:
    """E49."""
    mariadb.settings = replace(QUICK, delete_limit_rows=5)
    mariadb.run(
        *MAKE,
        "CREATE TABLE parts (sale bigint, CONSTRAINT of_sale FOREIGN KEY (sale) REFERENCES sales (id))",
        "INSERT INTO parts VALUES (3)",
    )
    with pytest.raises(
        InputError, match=r"table parts refer to its old rows \(foreign key of_sale"
    ):
        mariadb.export(sales(2))
    assert mariadb.versions() == [(1, 10)]
    mariadb.run("DELETE FROM parts")
    assert mariadb.export(sales(2)).swap == "delete+insert"
    mariadb.run(
        "ALTER TABLE parts DROP FOREIGN KEY of_sale",
        "ALTER TABLE parts ADD CONSTRAINT gone FOREIGN KEY (sale) REFERENCES sales (id) ON DELETE CASCADE",
    )
    with pytest.raises(InputError, match="table parts refers to it by gone ON DELETE CASCADE"):
        mariadb.export(sales(3), run_id="run-3")
    assert mariadb.versions() == [(2, 10)]


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL"])
def test_a_table_that_others_refer_to_is_not_made_again(
    mariadb: ExportDatabase, action: str
) -> None:
    """The foreign key would follow the old table, and every later export would fail over it."""
    mariadb.run(
        *MAKE,
        "CREATE TABLE parts (sale bigint, CONSTRAINT of_sale FOREIGN KEY (sale) REFERENCES sales (id)"
        f" ON DELETE {action})",
    )
    before = mariadb.run("SHOW CREATE TABLE sales", "SHOW CREATE TABLE parts")
    retyped = pa.table({"id": ["x"], "version": [2], "name": ["y"]})
    with pytest.raises(InputError, match="parts"):
        mariadb.export(retyped, on_schema_change="recreate")
    assert mariadb.run("SHOW CREATE TABLE sales", "SHOW CREATE TABLE parts") == before
    assert mariadb.names() == {"sales", "parts"}
    assert mariadb.versions() == [(1, 10)]
    more = sales(2).set_column(0, "id", pa.array(range(100, 110)))
    assert mariadb.export(more, mode="append", run_id="run-2").rows == 10


def test_a_delivery_that_cannot_be_put_in_place_says_so(mariadb: ExportDatabase) -> None:
    """It is committed: ledger and rows are there, and readers see the old table until the next export."""
    mariadb.run(*MAKE)
    mariadb.settings = replace(QUICK, lock_timeout_seconds=1, lock_attempts=1, delete_limit_rows=5)
    with connect_mariadb(mariadb.config) as other:
        other.execute("START TRANSACTION")
        other.execute("SELECT * FROM sales")
        with pytest.raises(ConflictError, match=r"new rows are committed in _stg_.* ledger"):
            mariadb.export(sales(2))
        assert mariadb.ledger() == [("sales", "run-1", "overwrite", 10)]
        assert mariadb.versions() == [(1, 10)]
    assert mariadb.export(sales(2)).repeated
    assert mariadb.versions() == [(2, 10)]


def test_a_table_without_transactions_is_refused(mariadb: ExportDatabase) -> None:
    mariadb.run("CREATE TABLE sales (id bigint, version bigint, name longtext) ENGINE = MyISAM")
    with pytest.raises(InputError, match="engine knows no transactions"):
        mariadb.export(sales(1))


@pytest.mark.parametrize(
    ("column", "data", "words"),
    [
        pytest.param("x varchar(3)", ["ok", "long"], "longer than the 3 characters", id="long"),
        pytest.param("x varchar(3)", ["ok", "abc "], "longer than the 3 characters", id="blank"),
        pytest.param("x char(9)", ["ok", "ab "], "end in blanks", id="char"),
        pytest.param("x longtext NOT NULL", ["ok", None], "NOT NULL", id="null"),
        pytest.param("x tinyint", [1, 300], "Out of range value for column 'x'", id="narrow"),
        pytest.param("x int UNIQUE", [1, 1], "Duplicate entry '1'", id="twins"),
        pytest.param("x int CHECK (x < 5)", [1, 7], "CONSTRAINT", id="check"),
        pytest.param(
            "x varchar(9) CHARACTER SET latin1", ["é", "☃"], "Incorrect string", id="latin1"
        ),
        pytest.param(
            "x longtext CHARACTER SET latin1", ["é", "☃"], "Incorrect string", id="long latin1"
        ),
        pytest.param("x tinytext", ["ok", "é" * 128], "longer than the 255 bytes", id="tinytext"),
        pytest.param("x text", ["y" * 65_536], "longer than the 65,535 bytes of text", id="text"),
        pytest.param(
            "x mediumtext", ["y" * (2**24 + 5)], "longer than the 16,777,215 bytes", id="mediumtext"
        ),
        pytest.param("x tinyblob", [b"y" * 300], "longer than the 255 bytes", id="tinyblob"),
        pytest.param("x blob", [b"y" * 70_000], "longer than the 65,535 bytes of blob", id="blob"),
        pytest.param("x mediumblob", [b"y" * 2**24], "longer than the 16,", id="mediumblob"),
        pytest.param("x varbinary(3)", [b"abcd"], "longer than the 3 bytes", id="varbinary"),
        pytest.param(
            "x binary(3)",
            [b"abc", b"ab"],
            r"row 2, column 'x' does not fit binary\(3\)",
            id="padded",
        ),
        pytest.param("x decimal(9,1)", [D("1.50"), D("1.25")], "row 2, column 'x'", id="scale"),
        pytest.param(
            "x decimal(40,30)", ["1.5", "0." + "1" * 31], "row 2, column 'x'", id="beyond the scale"
        ),
        pytest.param("x decimal(9,1)", ["1.5", "1e-9"], "row 2, column 'x'", id="exponent"),
        pytest.param("x datetime", [HALF], r"row 1, column 'x' does not fit datetime", id="moment"),
        pytest.param("x time", [HALF.time()], "row 1, column 'x' does not fit time", id="time"),
        pytest.param("x enum('a','b')", ["a", "A"], "row 2, column 'x'", id="another spelling"),
        pytest.param("x enum('a','b')", ["a", "c"], "truncated for column 'x' at row 2", id="enum"),
        pytest.param("x uuid", ["no uuid"], "uuid value: 'no uuid' for column", id="uuid"),
        pytest.param("x json", ["{}", "{no json"], "CONSTRAINT|json_valid", id="json"),
        pytest.param("x bit(3)", [7, 8], "too long for column 'x' at row 2", id="bits"),
        pytest.param("x year", pa.array([2024, 5], pa.int16()), "row 2, column 'x'", id="year"),
        pytest.param("x date", ["2024-02-30"], "Incorrect date value", id="no date"),
    ],
)
@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_a_value_that_the_table_refuses(
    mariadb: ExportDatabase, column: str, data: Any, words: str, mode: str
) -> None:
    """The server would cut, round, respell or skip it in silence, or with a warning."""
    mariadb.run(
        f"CREATE TABLE sales ({column})", "SET sql_mode = ''", "INSERT INTO sales VALUES (0)"
    )
    with pytest.raises(InputError, match=words) as raised:
        mariadb.export(pa.table({"x": data}), mode=mode)
    assert len(str(raised.value)) <= 500
    assert mariadb.run("SELECT count(*) FROM sales") == [(1,)]


def test_texts_of_many_digits_go_into_decimals(mariadb: ExportDatabase) -> None:
    mariadb.run("CREATE TABLE sales (whole decimal(50,0), part decimal(40,30))")
    digits = {"whole": ["9" * 40, None], "part": ["0." + "12" * 15, "-1.50"]}
    mariadb.export(pa.table(digits))
    assert mariadb.run("SELECT whole, part FROM sales ORDER BY part DESC") == [
        (D("9" * 40), D("0." + "12" * 15)),
        (None, D("-1.5")),
    ]


def test_a_duplicate_key_is_no_warning(mariadb: ExportDatabase) -> None:
    """LOAD DATA LOCAL alone would leave the second row out; here the types fit and it goes straight in."""
    mariadb.run(*MAKE)
    with pytest.raises(InputError, match="Duplicate entry '0' for key 'PRIMARY'"):
        mariadb.export(sales(2), mode="append")
    assert mariadb.versions() == [(1, 10)]


def test_an_empty_table_is_loaded_directly(mariadb: ExportDatabase) -> None:
    mariadb.run(MAKE[0])
    assert mariadb.export(sales(1)).swap == "insert"
    assert mariadb.versions() == [(1, 10)]


def test_instants_outside_of_timestamp_are_named(mariadb: ExportDatabase) -> None:
    moments = [datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC), datetime(2038, 1, 20, tzinfo=UTC)]
    with pytest.raises(InputError, match="row 2, column 'x' is outside 1970 to 2038"):
        mariadb.export(pa.table({"x": pa.array(moments, pa.timestamp("us", "UTC"))}))


def test_a_row_that_is_too_wide_is_refused(mariadb: ExportDatabase) -> None:
    """E24."""
    wide = pa.table({f"c{n}": ["x"] for n in range(1018)})
    with pytest.raises(SchemaMismatchError, match="MySQL allows 1,017 columns"):
        mariadb.export(wide)
    with pytest.raises(SchemaMismatchError, match="do not fit one row"):
        mariadb.export(wide.select(range(1000)))
    assert mariadb.names() == set()


def test_other_sessions_rows_are_waited_for(mariadb: ExportDatabase) -> None:
    """E48."""
    mariadb.run(*MAKE)
    mariadb.settings = replace(QUICK, lock_timeout_seconds=1, lock_attempts=1)
    with connect_mariadb(mariadb.config) as other:
        other.execute("START TRANSACTION")
        other.execute("UPDATE sales SET version = 9 WHERE id = 3")
        with pytest.raises(ConflictError, match="in use by another session; the old rows stay"):
            mariadb.export(sales(2))
        other.execute("ROLLBACK")
    assert mariadb.versions() == [(1, 10)]
    assert mariadb.export(sales(2)).rows == 10


def test_a_reader_in_a_transaction_sees_the_old_rows(mariadb: ExportDatabase) -> None:
    mariadb.run(*MAKE)
    with connect_mariadb(mariadb.config) as other:
        other.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        mariadb.export(sales(2))
        seen = other.execute("SELECT version, count(*) FROM sales GROUP BY version").fetchall()
        assert seen == ((1, 10),)


def test_an_exporter_waits_for_another(mariadb: ExportDatabase) -> None:
    """E17."""
    mariadb.settings = replace(QUICK, exporter_wait_seconds=0.3)
    name = mysql.lock_name(str(mariadb.config.database), "table sales")
    with connect_mariadb(mariadb.config) as other:
        assert other.execute(f"SELECT GET_LOCK('{name}', 0)").fetchall() == ((1,),)
        with pytest.raises(ConflictError, match="another export has been writing this table"):
            mariadb.export(sales(1))
    assert mariadb.export(sales(1)).rows == 10


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_another_run_finishes_what_a_killed_one_delivered(
    mariadb: ExportDatabase, mode: str
) -> None:
    """Killed after its COMMIT and before the renaming: its ledger row says that its rows are there, so they must be."""
    mariadb.settings = PATIENT
    mariadb.export(sales(0), table=TableName("other"))
    points = POINTS

    def first() -> None:
        mariadb.export(sales(1), mode=mode)

    steps = count_steps(first, points)
    mariadb.run("DROP TABLE sales", "DELETE FROM _exports WHERE target = 'sales'")
    decided = None
    for step in range(len(steps) - 1, 0, -1):
        assert kill_at(first, points, step).killed
        settle(mariadb)
        delivered = ("sales", "run-1", mode, 10) in mariadb.ledger()
        if delivered and "sales" not in mariadb.names():
            decided = step
            break
        mariadb.run("DROP TABLE IF EXISTS sales", "DELETE FROM _exports WHERE target = 'sales'")
    assert decided is not None, "no kill came between COMMIT and RENAME"
    mariadb.export(sales(2), mode=mode, run_id="run-2")
    expected = [(1, 10), (2, 10)] if mode == "append" else [(2, 10)]
    assert mariadb.versions() == expected
    assert mariadb.export(sales(1), mode=mode).repeated
    assert mariadb.versions() == expected
    assert mariadb.names() == {"sales", "other"}


def test_tables_that_look_like_staging_of_others_stay(mariadb: ExportDatabase) -> None:
    mine, other = staging_name("sales", "dead run"), staging_name("more", "running")
    mariadb.run(f"CREATE TABLE {mine} (x int)", f"CREATE TABLE {other} (x int)")
    mariadb.export(sales(1))
    assert is_internal_name(other)
    assert mariadb.names() == {"sales", other}


def test_an_unknown_database_is_named(mariadb: ExportDatabase) -> None:
    with pytest.raises(NotFoundError, match="no database 'nowhere'"):
        mariadb.export(sales(1), table=TableName("sales", "nowhere"))


def test_the_documented_grants_are_enough(mariadb: ExportDatabase) -> None:
    name = mariadb.config.database
    mariadb.run(
        f"CREATE USER w_{name}@'%' IDENTIFIED BY 'pw'",
        f"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, CREATE TEMPORARY TABLES, CREATE VIEW,"
        f" SHOW VIEW ON {name}.* TO w_{name}@'%'",
        f"CREATE USER r_{name}@'%' IDENTIFIED BY 'pw'",
        f"GRANT SELECT ON {name}.* TO r_{name}@'%'",
    )
    try:
        writer = replace(
            mariadb, config=replace(mariadb.config, username=f"w_{name}", password="pw")
        )
        writer.settings = replace(QUICK, delete_limit_rows=5)
        for number in range(3):
            writer.export(sales(number), run_id=f"run-{number}")
        writer.export(sales(1), mode="timestamp", keep=1)
        reader = replace(
            mariadb, config=replace(mariadb.config, username=f"r_{name}", password="pw")
        )
        with pytest.raises(ConnectorAuthError, match="denied"):
            reader.export(sales(7), run_id="run-7")
        assert mariadb.versions() == [(2, 10)]
    finally:
        mariadb.run(f"DROP USER w_{name}@'%'", f"DROP USER r_{name}@'%'")


def test_a_rehearsal_names_the_rights_that_are_lacking(mariadb: ExportDatabase) -> None:
    """The onlooker may read everything, and nothing else."""
    mariadb.export(sales(1))
    looking = ExportDatabase(replace(mariadb.config, username=ONLOOKER), QUICK)
    report = rehearse(looking, sales(2))
    assert (report.ok, report.steps[-1].name) == (False, "right to write")
    database = mariadb.config.database
    assert f"DELETE on {database}.sales, INSERT on {database}.sales" in report.detail
    assert f"INSERT on {database}._exports" in report.detail
    assert rehearse(mariadb, sales(2)).ok
