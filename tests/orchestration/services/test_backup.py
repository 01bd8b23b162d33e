"""A home folder copied while it is written to: every version and every row that the copy names is there."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.services.backup import back_up
from orchestration.services.home import open_home
from resources.kernel.errors import ConflictError, StorageError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

KEY = ("datasets", "numbers")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    for name in ("DAGSTER_HOME", "WAYBILL_STORE", "WAYBILL_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    yield open_home()
    monkeypatch.delenv("DAGSTER_HOME")  # which `open_home` has set


def publish(store, number):
    """A version whose hundred rows tell which it is."""
    rows = pa.table({"n": list(range(number * 100, number * 100 + 100))})

    def stream():
        return BatchStream(rows.schema, iter(rows.to_batches()))

    store.write_stream(KEY, stream, run_id=f"run-{number}")


@contextmanager
def writing(home, *, collects: bool):
    """A thread that publishes, and then has a database say so, as the catalog and Dagster do."""
    store = TableStore.open(str(home.root / "store"))
    ended, numbers = threading.Event(), []
    with closing(sqlite3.connect(home.root / "catalog.sqlite")) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table published (number)")

    def write():
        with closing(sqlite3.connect(home.root / "catalog.sqlite")) as database:
            while not ended.is_set():
                numbers.append(len(numbers) + 1)
                publish(store, numbers[-1])
                with database:
                    database.execute("insert into published values (?)", (numbers[-1],))
                if collects:  # sooner than it ever may: versions vanish while they are copied
                    store.collect(KEY, keep=1, grace=timedelta(0))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield numbers
    finally:
        ended.set()
        writer.join()


@pytest.mark.parametrize("collects", [False, True], ids=["kept", "collected"])
def test_what_is_read_from_a_copy_made_meanwhile_is_whole(home, tmp_path, collects):
    copies = [tmp_path / f"copy{number}" for number in range(5)]
    with writing(home, collects=collects) as numbers:
        for copy in copies:
            before = len(numbers)
            back_up(home, copy)
            while len(numbers) == before:
                time.sleep(0.001)
    for copy in copies:
        held = rows_of(copy)
        assert all(rows == list(range(n * 100, n * 100 + 100)) for n, rows in held.items())
        with closing(sqlite3.connect(copy / "catalog.sqlite")) as database:
            (named,) = database.execute("select max(number) from published").fetchone()
        assert collects or set(range(1, (named or 0) + 1)) <= set(held)


def rows_of(copy: Path) -> dict[int, list[int]]:
    """The rows of each version that the copy has a manifest of."""
    store = TableStore.open(str(copy / "store"))
    numbers = [int(path.stem) for path in (copy / "store").glob("datasets/numbers/v/*.json")]
    return {n: store.read(KEY, n).to_table().column("n").to_pylist() for n in numbers}


def test_the_copy_is_a_home_folder(home, tmp_path):
    publish(TableStore.open(str(home.root / "store")), 1)
    (home.logs / "web.log").write_text("no part of it")
    made = back_up(home, tmp_path / "copy")
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied == {"dagster", "project.txt", "store"}
    assert made.size_bytes > 0
    assert made.notes == []
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_what_lies_elsewhere_is_said(home, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_STORE", "s3://bucket/prefix")
    monkeypatch.setenv("WAYBILL_CATALOG_URL", "postgresql://user@host/database")
    notes = back_up(home, tmp_path / "copy").notes
    assert [note.split()[:2] for note in notes] == [["the", "store"], ["the", "catalog"]]


def test_a_dagster_home_of_its_own_is_copied_too(home, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    back_up(open_home(), tmp_path / "copy")
    assert (tmp_path / "copy" / "dagster" / "dagster.yaml").is_file()


@pytest.mark.parametrize("place", ["home/copy", "there"], ids=["inside", "exists"])
def test_nothing_is_written_into_what_is_there(home, tmp_path, place):
    (tmp_path / "there").mkdir()
    with pytest.raises(ConflictError):
        back_up(home, tmp_path / place)
    assert list((tmp_path / "there").iterdir()) == []


def test_an_attempt_that_fails_leaves_nothing(home, tmp_path):
    (home.root / "catalog.sqlite").write_bytes(b"SQLite format 3\0" + b"torn" * 2000)
    with pytest.raises(StorageError, match="cannot be copied"):
        back_up(home, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
