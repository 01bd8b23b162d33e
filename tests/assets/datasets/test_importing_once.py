"""Fingerprints made of all rows: an import reads these once, and shows what an observation shows."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from assets.datasets.importing import ImportOrder, import_table
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import EmptySourceError, IntegrityError
from resources.kernel.records import BatchStream
from resources.sources.fingerprint_rules import FingerprintRule
from resources.sources.source import DatabaseSource, FileSource, OpenStream, Source
from resources.sources.spec import SourceSpec
from resources.stores.tables import TableStore
from tests.resources.connectors.sql.mysql.database import MariadbDatabase
from tests.servers.mariadb import mariadb_config, mariadb_server

__all__ = ["mariadb_config", "mariadb_server"]
KEY = ("datasets", "orders")
ROWS = 5000


@pytest.fixture
def store(tmp_path) -> TableStore:
    return TableStore.open(str(tmp_path / "store"))


def bring(source: Source, store: TableStore, run_id: str, **options):
    return import_table(source, store, ImportOrder("orders", KEY, run_id, **options))


def ids(store: TableStore) -> list[int]:
    return sorted(store.read(KEY).to_table().column("id").to_pylist())


class Mariadb:
    """A table of MariaDB, and how many rows its server has sent."""

    def __init__(self, server, config: SqlConfig) -> None:
        self.database = MariadbDatabase(server, config)
        self.connector = open_table_connector("db", config)
        self.run(
            "CREATE TABLE t (id bigint PRIMARY KEY, note text, day date)",
            f"INSERT INTO t SELECT seq, repeat('x', 100), '2024-01-01' FROM seq_1_to_{ROWS}",
        )

    def run(self, *statements: str) -> None:
        self.database.run(*statements)

    def source(self, **target) -> DatabaseSource:
        return DatabaseSource(SourceSpec("s", "db", **(target or {"table": "t"})), self.connector)

    @contextmanager
    def sends(self, passes: int) -> Iterator[None]:
        """The block has the server send every row so many times; the few of its own catalog do not count."""
        before = self.sent()
        yield
        assert round((self.sent() - before) / ROWS, 1) == passes

    def sent(self) -> int:
        return int(self.database.rows("SHOW GLOBAL STATUS LIKE 'Rows_sent'")[0][1])


@pytest.fixture
def mariadb(mariadb_server, mariadb_config) -> Mariadb:
    return Mariadb(mariadb_server, mariadb_config)


TARGETS = [{"table": "t"}, {"query": "SELECT id, note FROM t"}]


@pytest.mark.parametrize("target", TARGETS, ids=["table", "query"])
def test_the_whole_life_of_a_table_sends_every_row_once_an_import(mariadb, store, target):
    source = mariadb.source(**target)
    observed = source.fingerprint().version
    with mariadb.sends(1):
        first = bring(source, store, "run-1")
    assert (first.fingerprint.version, first.unchanged) == (observed, False)
    assert source.fingerprint().version == observed
    with mariadb.sends(1):
        assert bring(source, store, "run-2").unchanged
    assert [version.number for version in store.item(KEY).versions()] == [1]

    mariadb.run("UPDATE t SET note = 'changed' WHERE id = 17")
    observed = source.fingerprint().version
    changed = bring(source, store, "run-3")
    assert (changed.fingerprint.version, changed.version.number) == (observed, 2)
    assert "changed" in store.read(KEY).to_table().column("note").to_pylist()


def test_a_change_that_the_hint_does_not_show_is_seen(mariadb, store, monkeypatch):
    """The time of change counts whole seconds, and MySQL keeps it for a day."""
    monkeypatch.setattr(type(mariadb.connector), "change_hint", lambda *_: "as ever")
    bring(mariadb.source(), store, "run-1")
    with mariadb.sends(1):
        assert bring(mariadb.source(), store, "run-2").unchanged
    mariadb.run("DELETE FROM t WHERE id = 1")
    report = bring(mariadb.source(), store, "run-3")
    assert (report.unchanged, len(ids(store))) == (False, ROWS - 1)
    assert report.fingerprint.version == mariadb.source().fingerprint().version


class ChangesMeanwhile(DatabaseSource):
    """Somebody adds a row as soon as the first rows have been read."""

    meanwhile = staticmethod(lambda: None)

    @contextmanager
    def open_streams(self) -> Iterator[OpenStream]:
        with super().open_streams() as open_stream:

            def opened() -> BatchStream:
                stream = open_stream()
                return replace(stream, batches=self._batches(stream))

            yield opened

    def _batches(self, stream: BatchStream) -> Iterator[pa.RecordBatch]:
        for batch in stream:
            self.meanwhile()
            yield batch


def test_what_changes_while_it_is_read_comes_with_the_next_import(mariadb, store):
    source = ChangesMeanwhile(SourceSpec("s", "db", table="t"), mariadb.connector)
    source.meanwhile = lambda: mariadb.run("INSERT IGNORE INTO t VALUES (0, 'late', NULL)")
    first = bring(source, store, "run-1")
    assert len(ids(store)) == ROWS
    assert first.fingerprint.version != mariadb.source().fingerprint().version
    assert bring(mariadb.source(), store, "run-2").version.rows == ROWS + 1


def test_a_column_that_turns_into_text_keeps_the_fingerprint(mariadb, store):
    mariadb.run(
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "UPDATE t SET day = '0000-00-00' WHERE id = 17",
    )
    observed = mariadb.source().fingerprint().version
    report = bring(mariadb.source(), store, "run-1")
    assert dict(report.version.schema)["day"] == "string"
    assert report.fingerprint.version == observed


def test_an_unchanged_source_leaves_no_files(mariadb, store, tmp_path):
    bring(mariadb.source(), store, "run-1")
    before = sorted(Path(tmp_path / "store").rglob("*.parquet"))
    assert bring(mariadb.source(query="SELECT * FROM t"), store, "run-2").unchanged is False
    assert bring(mariadb.source(query="SELECT * FROM t"), store, "run-3").unchanged
    assert len(sorted(Path(tmp_path / "store").rglob("*.parquet"))) == 2 * len(before)


def test_an_emptied_table_keeps_the_rows(mariadb, store):
    bring(mariadb.source(), store, "run-1")
    mariadb.run("DELETE FROM t")
    with pytest.raises(EmptySourceError):
        bring(mariadb.source(), store, "run-2")
    assert len(ids(store)) == ROWS


def test_a_stream_that_was_left_tells_no_fingerprint(mariadb):
    source = mariadb.source()
    with source.open_streams() as open_stream:
        stream = open_stream()
        with pytest.raises(IntegrityError):
            source.fingerprint_of(stream)


def test_all_rows_by_hash_are_read_once(tmp_path, store):
    path = tmp_path / "db.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1), (2)")
    spec = SourceSpec("s", "db", table="t", fingerprint=FingerprintRule("hash"))
    source = DatabaseSource(
        spec, open_table_connector("db", SqlConfig(dialect="sqlite", path=path))
    )
    observed = source.fingerprint().version
    assert bring(source, store, "run-1").fingerprint.version == observed
    assert bring(source, store, "run-2").unchanged
    connection.execute("UPDATE t SET id = 3 WHERE id = 2")
    connection.commit()
    connection.close()
    assert bring(source, store, "run-3").fingerprint.version == source.fingerprint().version
    assert ids(store) == [1, 3]


class CountingFolder(FolderConnector):
    """A folder that counts the files that it hands out."""

    handed_out = 0

    @contextmanager
    def local_copy(self, item, scratch):
        self.handed_out += 1
        with super().local_copy(item, scratch) as path:
            yield path


def test_files_by_hash_are_fetched_once_an_import(tmp_path, store):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"id\n{ord(name)}\n")
    spec = SourceSpec("s", "lake", path="*.csv", fingerprint=FingerprintRule("hash"))
    connector = CountingFolder("lake", tmp_path)
    source = FileSource(spec, connector)
    observed = source.fingerprint().version
    connector.handed_out = 0
    assert bring(source, store, "run-1").fingerprint.version == observed
    assert connector.handed_out == 2
    assert bring(source, store, "run-2").unchanged
    assert connector.handed_out == 4
