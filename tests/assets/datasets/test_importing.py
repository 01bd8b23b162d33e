from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from assets.datasets.importing import ImportOrder, import_table
from resources.kernel.errors import EmptySourceError, SourceChangedError
from resources.kernel.records import BatchStream, Guess, Retype
from resources.sources.source import Fingerprint, OpenStream, Source
from resources.sources.spec import SourceSpec
from resources.stores.tables import TableStore

KEY = ("datasets", "orders")


class FakeSource(Source):
    """A source whose content, fingerprint and misbehaviour a test sets."""

    def __init__(self, rows: list[dict], *, version: str = "v1", schema: pa.Schema | None = None):
        self.spec = SourceSpec(name="files", connector="lake", path="*.csv")
        self.table = pa.Table.from_pylist(rows, schema=schema)
        self.version = version
        self.opened = 0
        self.changed_while_read = False
        self.retypes = 0

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.version, {"objects": 1})

    @contextmanager
    def open_streams(self) -> Iterator[OpenStream]:
        yield self._open
        if self.changed_while_read:
            raise SourceChangedError("orders.csv changed while it was read")

    def _open(self) -> BatchStream:
        self.opened += 1
        stream = BatchStream(self.table.schema, iter(()), warnings=["a warning"])
        stream.batches = self._batches(stream)
        return stream

    def _batches(self, stream: BatchStream) -> Iterator[pa.RecordBatch]:
        yield from self.table.to_batches()
        stream.guesses.append(Guess("separator", ",", "seen in the header", "separator"))
        if self.opened <= self.retypes:
            raise Retype({"id": "string"})


@pytest.fixture
def store(tmp_path):
    return TableStore.open(str(tmp_path / "store"))


def order(run_id: str, **options) -> ImportOrder:
    return ImportOrder(name="orders", key=KEY, run_id=run_id, **options)


def test_an_import_publishes_rows_guesses_and_where_they_came_from(store):
    report = import_table(FakeSource([{"id": 1}, {"id": 2}]), store, order("run-1"))
    table = store.read(KEY)
    assert table.to_table().to_pylist() == [{"id": 1}, {"id": 2}]
    assert table.version.properties["source"]["fingerprint"] == "v1"
    assert table.version.properties["guesses"][0]["subject"] == "separator"
    assert report.warnings == ("a warning",)


def test_an_unchanged_source_is_not_read_again(store):
    import_table(FakeSource([{"id": 1}]), store, order("run-1"))
    again = FakeSource([{"id": 1}])
    report = import_table(again, store, order("run-2"))
    assert (report.unchanged, report.version.number, again.opened) == (True, 1, 0)


@pytest.mark.parametrize(
    ("version", "options"), [("v2", {}), ("v1", {"force": True})], ids=["changed", "forced"]
)
def test_a_changed_or_forced_source_becomes_a_new_version(store, version, options):
    import_table(FakeSource([{"id": 1}]), store, order("run-1"))
    report = import_table(
        FakeSource([{"id": 7}], version=version), store, order("run-2", **options)
    )
    assert (report.unchanged, report.version.number) == (False, 2)
    assert store.read(KEY).to_table().to_pylist() == [{"id": 7}]


def test_an_empty_source_keeps_the_rows_unless_it_may_be_empty(store):
    import_table(FakeSource([{"id": 1}, {"id": 2}]), store, order("run-1"))
    empty = FakeSource([], version="v2", schema=pa.schema({"id": pa.int64()}))
    with pytest.raises(EmptySourceError, match=r"files .* returned 0 rows; kept version 1 with 2"):
        import_table(empty, store, order("run-2"))
    assert store.read(KEY).rows == 2
    assert import_table(empty, store, order("run-3", allow_empty=True)).version.rows == 0


def test_a_source_that_changes_while_it_is_read_publishes_nothing(store):
    import_table(FakeSource([{"id": 1}]), store, order("run-1"))
    moving = FakeSource([{"id": 2}], version="v2")
    moving.changed_while_read = True
    with pytest.raises(SourceChangedError):
        import_table(moving, store, order("run-2"))
    assert [manifest.number for manifest in store.item(KEY).versions()] == [1]


def test_a_retyped_stream_is_written_once(store):
    source = FakeSource([{"id": 1}])
    source.retypes = 1
    report = import_table(source, store, order("run-1"))
    assert (source.opened, report.version.rows) == (2, 1)


def test_a_changed_schema_is_reported(store):
    import_table(FakeSource([{"id": 1, "zip": 1}]), store, order("run-1"))
    report = import_table(
        FakeSource([{"zip": "01", "new": True}], version="v2"), store, order("r2")
    )
    assert str(report.change) == "+new, -id, zip: int64 -> string"
