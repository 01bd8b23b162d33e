"""What each way of telling a change sees, and what it misses, on a real database and real files."""

from __future__ import annotations

import os
import sqlite3

import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import ConfigError, InputError, NotFoundError
from resources.sources.fingerprint_rules import FingerprintRule
from resources.sources.query_parameters import FromEnvironment, parse_parameters, resolve_parameters
from resources.sources.source import DatabaseSource, FileSource
from resources.sources.spec import SourceSpec

CHANGES = {
    "nothing": "SELECT 1",
    "order of rows": "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 10, 'a')",
    "a value": "UPDATE t SET note = 'changed' WHERE id = 2",
    "one row for another": "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (0, 5, 'z')",
    "a deleted row": "DELETE FROM t WHERE id = 1",
    "a late row": "INSERT INTO t VALUES (0, 15, 'late')",
    "a new row": "INSERT INTO t VALUES (9, 90, 'new')",
}
SEES = {
    "auto": {"a value", "one row for another", "a deleted row", "a late row", "a new row"},
    "hash": {"a value", "one row for another", "a deleted row", "a late row", "a new row"},
    "rows": {"a deleted row", "a late row", "a new row"},
    "max of seq": {"a new row"},
    "max of seq and number of rows": {"a deleted row", "a late row", "a new row"},
}
RULES = [
    FingerprintRule(),
    FingerprintRule("hash"),
    FingerprintRule("rows"),
    FingerprintRule("max", "seq"),
    FingerprintRule("max", "seq", rows=True),
]


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request, tmp_path):
    """A connector, and a way to change its table."""
    path = tmp_path / f"db.{request.param}"
    create = (
        "CREATE TABLE t (id INTEGER, seq INTEGER, note TEXT);"
        "INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, NULL)"
    )

    def execute(statements: str) -> None:
        if request.param == "sqlite":
            connection = sqlite3.connect(path)
            connection.executescript(statements)
        else:
            import duckdb

            connection = duckdb.connect(str(path))
            connection.execute(statements)
        connection.close()

    execute(create)
    return open_table_connector("db", SqlConfig(dialect=request.param, path=path)), execute


def version(connector, rule, **target) -> str:
    spec = SourceSpec("s", "db", fingerprint=rule, **(target or {"table": "t"}))
    return DatabaseSource(spec, connector).fingerprint().version


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize(
    "target", [{"table": "t"}, {"query": "select * from t -- all\n;"}], ids=["table", "query"]
)
def test_what_a_rule_sees_and_what_it_misses(database, rule, target):
    connector, execute = database
    before = version(connector, rule, **target)
    assert version(connector, rule, **target) == before
    seen = set()
    for name, statements in CHANGES.items():
        execute("CREATE TABLE kept AS SELECT * FROM t")
        execute(statements)
        if version(connector, rule, **target) != before:
            seen.add(name)
        execute("DELETE FROM t; INSERT INTO t SELECT * FROM kept ORDER BY id; DROP TABLE kept")
    if rule.method == "auto":
        seen -= {"order of rows"}  # a needless import is allowed
    assert seen == SEES[str(rule)]
    missed = set(CHANGES) - {"nothing", "order of rows"} - seen
    assert (rule.can_miss(holds="tables").startswith("nothing")) == (not missed)


def test_facts_show_what_was_found(database):
    connector, _ = database
    spec = SourceSpec("s", "db", table="t", fingerprint=FingerprintRule("max", "seq", rows=True))
    assert DatabaseSource(spec, connector).fingerprint().facts == {
        "source": "table t",
        "max of seq": "30",
        "rows": 3,
    }


def test_an_empty_table_has_a_fingerprint(database):
    connector, execute = database
    full = [version(connector, rule) for rule in RULES]
    execute("DELETE FROM t")
    empty = [version(connector, rule) for rule in RULES]
    assert all(one != other for one, other in zip(full, empty, strict=True))


def test_a_column_that_is_not_there_is_named_with_near_ones(database):
    connector, _ = database
    with pytest.raises(NotFoundError, match="no column 'nota'") as caught:
        version(connector, FingerprintRule("max", "nota"))
    assert "note" in str(caught.value)


def test_a_table_that_is_not_there_is_said_so(database):
    connector, _ = database
    with pytest.raises((NotFoundError, InputError), match="u"):
        version(connector, FingerprintRule("rows"), table="u")


@pytest.mark.parametrize("name", ['a"t', "a t", "select", "é"])
def test_any_name_of_a_column_can_tell(database, name):
    """T16."""
    connector, execute = database
    quoted = '"' + name.replace('"', '""') + '"'
    execute(f"CREATE TABLE o AS SELECT id AS {quoted} FROM t")
    before = version(connector, FingerprintRule("max", name), table="o")
    execute(f"UPDATE o SET {quoted} = 99")
    assert version(connector, FingerprintRule("max", name), table="o") != before


class TestFiles:
    def spec(self, **more) -> SourceSpec:
        return SourceSpec("s", "lake", path="*.csv", **more)

    def test_the_same_bytes_written_again_are_no_change_by_hash(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("id\n1\n")
        connector = FolderConnector("lake", tmp_path)
        auto = FileSource(self.spec(), connector)
        by_bytes = FileSource(self.spec(fingerprint=FingerprintRule("hash")), connector)
        before = auto.fingerprint().version, by_bytes.fingerprint().version
        os.utime(path, (1, 1))
        assert auto.fingerprint().version != before[0]
        assert by_bytes.fingerprint().version == before[1]
        path.write_text("id\n2\n")
        assert by_bytes.fingerprint().version != before[1]
        path.write_text("id\n1\n")
        path.rename(tmp_path / "b.csv")
        assert by_bytes.fingerprint().version != before[1]

    def test_facts_say_what_it_read(self, tmp_path):
        (tmp_path / "a.csv").write_text("id\n1\n")
        spec = self.spec(fingerprint=FingerprintRule("hash"))
        facts = FileSource(spec, FolderConnector("lake", tmp_path)).fingerprint().facts
        assert (facts["objects"], facts["bytes read"]) == (1, 5)


class TestParsing:
    @pytest.mark.parametrize(
        ("given", "rule"),
        [
            ("auto", FingerprintRule()),
            ("hash", FingerprintRule("hash")),
            ("rows", FingerprintRule("rows")),
            ({"max": "seq"}, FingerprintRule("max", "seq")),
            ({"max": "seq", "rows": True}, FingerprintRule("max", "seq", rows=True)),
        ],
    )
    def test_what_yaml_may_say(self, given, rule):
        assert FingerprintRule.parse(given) == rule

    @pytest.mark.parametrize(
        "given",
        [
            "max",
            "often",
            1,
            None,
            [],
            {"max": ""},
            {"max": 1},
            {"rows": True},
            {"max": "a", "min": "b"},
            {"max": "a", "rows": "yes"},
        ],
    )
    def test_anything_else_is_refused(self, given):
        with pytest.raises(ConfigError, match=r"\{max: COLUMN\}"):
            FingerprintRule.parse(given)

    def test_files_have_no_columns(self):
        for rule in (FingerprintRule("rows"), FingerprintRule("max", "seq")):
            with pytest.raises(ConfigError, match="tables and queries"):
                rule.check(holds="files")


class TestParameters:
    def test_scalars_and_variables(self, monkeypatch):
        parsed = parse_parameters({"a": 1, "b": "x", "c": None, "d": {"env": "TEST_VALUE"}})
        assert parsed["d"] == FromEnvironment("TEST_VALUE")
        monkeypatch.setenv("TEST_VALUE", "from outside")
        assert resolve_parameters(parsed, where="s") == {
            "a": 1,
            "b": "x",
            "c": None,
            "d": "from outside",
        }

    def test_a_variable_that_is_not_set_is_named(self, monkeypatch):
        monkeypatch.delenv("TEST_VALUE", raising=False)
        with pytest.raises(ConfigError, match="TEST_VALUE"):
            resolve_parameters({"d": FromEnvironment("TEST_VALUE")}, where="data source s")

    @pytest.mark.parametrize("value", [[1], {"a": 1}, {"env": "not a name"}, {"env": 1}, b"x"])
    def test_other_kinds_are_refused_unseen(self, value):
        with pytest.raises(ConfigError, match="parameters: secret_one") as caught:
            parse_parameters({"secret_one": value})
        assert "not a name" not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", 3])
    def test_a_name_stands_behind_a_colon(self, name):
        with pytest.raises(ConfigError, match="cannot name a parameter"):
            parse_parameters({name: 1})
