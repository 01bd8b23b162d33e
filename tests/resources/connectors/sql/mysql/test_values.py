"""Values that Arrow has no form for, rows of every size, and the bytes themselves: MySQL connector against MariaDB."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from resources.connectors.sql import SqlConfig
from resources.connectors.sql.mysql.wire import ConnectionLostError, WireRows
from resources.connectors.sql.mysql.wire_rows import (
    NO_DATE,
    decode,
    number_reader,
    read_dates,
    read_texts,
)
from resources.kernel.errors import InputError
from resources.kernel.records import Retype, TableName
from tests.contract.table_connector import read_table
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.servers.mariadb import MariadbServer

pytestmark = pytest.mark.mariadb


@pytest.fixture
def database(mariadb_server: MariadbServer, mariadb_config: SqlConfig) -> MariadbDatabase:
    return MariadbDatabase(mariadb_server, mariadb_config)


def test_dates_that_are_none_become_text(database: MariadbDatabase) -> None:
    """E34: the whole column, and as the server writes them."""
    database.run(
        "CREATE TABLE odd (id int PRIMARY KEY, d date, m datetime(3), s timestamp NULL, fine date)",
        "INSERT INTO odd VALUES (1, '0000-00-00', '2024-02-00 00:00:00', '0000-00-00 00:00:00', '2024-01-01'),"
        " (2, '2024-01-31', '2024-01-31 12:30:05.250', '2024-01-31 12:30:05', NULL), (3, NULL, NULL, NULL, NULL),"
        " (4, '2024-00-10', '0000-12-31 23:59:59.001', '2024-01-31 00:00:00', '9999-12-31')",
    )
    connector = database.connector()
    with connector.read(TableName("odd")) as stream, pytest.raises(Retype) as caught:
        list(stream)
    assert set(caught.value.columns) == {"d", "m", "s"}
    table = read_table(connector, TableName("odd"))
    assert table.schema.field("fine").type == pa.date32()
    assert table["d"].to_pylist() == ["0000-00-00", "2024-01-31", None, "2024-00-10"]
    assert table["m"].to_pylist() == [
        "2024-02-00 00:00:00.000",
        "2024-01-31 12:30:05.250",
        None,
        "0000-12-31 23:59:59.001",
    ]
    # The table was filled three hours east of Greenwich.
    assert table["s"].to_pylist()[:2] == ["0000-00-00 00:00:00", "2024-01-31 09:30:05+00:00"]
    with connector.read(TableName("odd")) as stream:
        assert {guess.subject for guess in stream.guesses} == {
            "type of 'd'",
            "type of 'm'",
            "type of 's'",
        }


def test_times_that_are_no_time_of_day_become_text(database: MariadbDatabase) -> None:
    database.run(
        "CREATE TABLE odd (a time(6), b time, c time(2))",
        "INSERT INTO odd VALUES ('838:59:59.999999', '-00:00:01', '23:59:59.99'), (0, '-838:59:59', NULL)",
    )
    table = read_table(database.connector(), TableName("odd"))
    assert table["a"].to_pylist() == ["838:59:59.999999", "00:00:00.000000"]
    assert table["b"].to_pylist() == ["-00:00:01", "-838:59:59"]
    assert table.schema.field("c").type == pa.time64("us")


def test_rows_of_every_size(database: MariadbDatabase) -> None:
    """Lengths around every border of the protocol: 1, 2, 3 and 8 bytes of length; rows larger than a packet."""
    sizes = [0, 1, 250, 251, 252, 65_535, 65_536, 4_194_300, 16_777_300, 5, 17_000_000, 0, 7]
    rows = ", ".join(f"({i}, repeat(char(65 + {i}), {size}))" for i, size in enumerate(sizes))
    database.rows("SET GLOBAL max_allowed_packet = 64000000")
    database.run(
        "CREATE TABLE sizes (id int PRIMARY KEY, t longtext)", f"INSERT INTO sizes VALUES {rows}"
    )
    connector = database.connector()
    table = read_table(connector, TableName("sizes"))
    expected = [chr(65 + i) * size for i, size in enumerate(sizes)]
    assert [len(text) for text in table["t"].to_pylist()] == sizes
    assert table["t"].to_pylist() == expected
    assert connector.fingerprint(TableName("sizes")) == connector.fingerprint(TableName("sizes"))


def test_nulls_of_many_columns_stay_where_they_are(database: MariadbDatabase) -> None:
    """The map of nulls has two bits before the first column: every place of a byte is tried."""
    names = [f"c{n}" for n in range(40)]
    database.run(f"CREATE TABLE holes (id int, {', '.join(f'{n} varchar(9)' for n in names)})")
    rows = [
        [None if (row >> (column % 8)) & 1 else f"{row}-{column}" for column in range(40)]
        for row in range(256)
    ]
    texts = (
        f"({number}, {', '.join('NULL' if v is None else repr(v) for v in row)})"
        for number, row in enumerate(rows)
    )
    database.run(f"INSERT INTO holes VALUES {', '.join(texts)}")
    table = read_table(database.connector(), "SELECT * FROM holes ORDER BY id")
    assert [list(row.values())[1:] for row in table.to_pylist()] == rows


def test_columns_made_by_a_query(database: MariadbDatabase) -> None:
    row = read_table(
        database.connector(),
        "SELECT 1 AS a, -1.5 AS b, 'x' AS c, NULL AS d, sum(seq) AS e, avg(seq) AS f, max(seq) > 1 AS g,"
        " 1e300 AS h, x'00ff' AS i, now(6) IS NOT NULL AS j, group_concat(seq ORDER BY seq) AS k,"
        " cast(1 AS unsigned) - 0 AS l, (SELECT 2) AS m FROM seq_1_to_3",
    ).to_pylist()[0]
    assert [row[n] for n in "acdghijkm"] == [1, "x", None, 1, 1e300, b"\x00\xff", 1, "1,2,3", 2]
    assert (str(row["b"]), str(row["e"]), str(row["f"])) == ("-1.5", "6", "2.0000")


def test_a_recursive_query_is_not_cut_short(database: MariadbDatabase) -> None:
    """By default the server stops it after a thousand rounds with no more than a warning."""
    query = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 5000) SELECT i FROM s"
    assert read_table(database.connector(), query).num_rows == 5000


def test_limits_that_an_operator_set_do_not_shorten_a_table(database: MariadbDatabase) -> None:
    database.run("CREATE TABLE t (x int)", "INSERT INTO t SELECT seq FROM seq_1_to_500")
    database.rows("SET GLOBAL sql_select_limit = 100")
    try:
        assert read_table(database.connector(), TableName("t")).num_rows == 500
    finally:
        database.rows("SET GLOBAL sql_select_limit = DEFAULT")


def test_wide_rows_come_in_bounded_batches(database: MariadbDatabase) -> None:
    database.run(
        "CREATE TABLE fat (t longtext)",
        "INSERT INTO fat SELECT repeat('x', 200000) FROM seq_1_to_300",
    )
    with database.connector().read(TableName("fat")) as stream:
        sizes = [batch.nbytes for batch in stream]
    assert len(sizes) > 2
    assert max(sizes) < 40_000_000


def test_twins_but_for_case_are_refused(database: MariadbDatabase) -> None:
    with pytest.raises(InputError, match="differ by case only: 'a' and 'A'"):
        database.connector().describe("SELECT 1 AS a, 2 AS A")


def _chunk(*rows: bytes) -> WireRows:
    data, starts, ends = bytearray(), [], []
    for row in rows:
        starts.append(len(data))
        data += row
        ends.append(len(data))
    padded = np.frombuffer(bytes(data) + bytes(16), dtype=np.uint8)
    return WireRows(padded, np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


READERS = [number_reader("<i4"), read_texts, read_dates]
GOOD = b"\0\0\x07\0\0\0\x02ab\x04\xe8\x07\x02\x1d"


def test_rows_by_hand() -> None:
    no_text = b"\0\x08\x01\0\0\0\x04\xe9\x07\x02\x1d"
    arrays = decode(_chunk(GOOD, no_text), READERS)
    assert [array.to_pylist() for array in arrays[:2]] == [[7, 1], ["ab", None]]
    assert str(arrays[2][0]) == "2024-02-29"
    assert arrays[2].view(pa.int32())[1].as_py() == NO_DATE, "2025 has no such day"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(GOOD[:-1], id="cut"),
        pytest.param(GOOD + b"\0", id="longer"),
        pytest.param(GOOD.replace(b"\x02ab", b"\xfaab"), id="a length beyond the row"),
        pytest.param(GOOD.replace(b"\x02ab", b"\xfe" + b"\xff" * 8), id="an impossible length"),
    ],
)
def test_bytes_that_are_no_rows_are_an_error(row: bytes) -> None:
    with pytest.raises(ConnectionLostError):
        decode(_chunk(GOOD, row), READERS)


def test_invisible_columns_are_told(database: MariadbDatabase) -> None:
    database.run(
        "CREATE TABLE shy (id int, hidden int INVISIBLE DEFAULT 7)",
        "INSERT INTO shy (id) VALUES (1)",
        "CREATE TABLE kept (id int) WITH SYSTEM VERSIONING",
    )
    connector = database.connector()
    with connector.read(TableName("shy")) as stream:
        assert stream.schema.names == ["id"]
        assert stream.warnings == [
            "Invisible columns are left out: 'hidden'. Name them in a `query:` to read them"
        ]
    assert read_table(connector, "SELECT id, hidden FROM shy").to_pylist() == [
        {"id": 1, "hidden": 7}
    ]
    with connector.read(TableName("kept")) as stream:
        assert stream.warnings == []


def test_a_comment_of_its_own_kind_may_come_first(database: MariadbDatabase) -> None:
    assert read_table(database.connector(), "# a comment\nSELECT 1 AS a").num_rows == 1
