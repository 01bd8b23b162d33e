import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats import parquet_write
from resources.formats.parquet_write import ThreadedWriter, parquet_writer
from resources.kernel.errors import StorageError

SCHEMA = pa.schema([("id", pa.int64()), ("carrier", pa.string()), ("note", pa.string())])


def batch(rows: int, start: int = 0) -> pa.RecordBatch:
    ids = list(range(start, start + rows))
    return pa.record_batch(
        [ids, ["UA" if i % 2 else "AA" for i in ids], [f"note {i}" for i in ids]], schema=SCHEMA
    )


def write_all(path, batches):
    with ThreadedWriter(path, SCHEMA) as writer:
        for item in batches:
            writer.write(item)


def test_batches_become_full_row_groups_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_write, "ROW_GROUP_ROWS", 1000)
    path = tmp_path / "t.parquet"
    with ThreadedWriter(path, SCHEMA) as writer:
        for start in range(0, 3500, 700):
            writer.write(batch(700, start))
    assert writer.rows == 3500
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(4)] == [1000, 1000, 1000, 500]
    assert pq.read_table(path).column("id").to_pylist() == list(range(3500))


def test_one_batch_larger_than_several_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_write, "ROW_GROUP_ROWS", 100)
    path = tmp_path / "t.parquet"
    with ThreadedWriter(path, SCHEMA) as writer:
        writer.write(batch(350))
    assert pq.read_metadata(path).num_row_groups == 4


def test_wide_rows_close_a_row_group_by_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_write, "ROW_GROUP_BYTES", 1000)
    path = tmp_path / "t.parquet"
    with ThreadedWriter(path, SCHEMA) as writer:
        for start in range(0, 300, 100):
            writer.write(batch(100, start))
    assert pq.read_metadata(path).num_row_groups == 3


def test_no_rows_leave_a_readable_file_with_its_columns(tmp_path):
    path = tmp_path / "t.parquet"
    with ThreadedWriter(path, SCHEMA):
        pass
    assert pq.read_table(path).schema == SCHEMA


def test_only_repeating_columns_get_a_dictionary(tmp_path):
    path = tmp_path / "t.parquet"
    with ThreadedWriter(path, SCHEMA) as writer:
        writer.write(batch(1000))
    group = pq.read_metadata(path).row_group(0)
    has_dictionary = [group.column(i).has_dictionary_page for i in range(3)]
    assert has_dictionary == [False, True, False]


def test_an_error_in_the_block_removes_the_file(tmp_path):
    path = tmp_path / "t.parquet"
    with pytest.raises(ZeroDivisionError):
        write_all(path, (batch(10 // (2 - i)) for i in range(3)))
    assert not path.exists()


def test_a_path_that_cannot_be_written_is_a_storage_error_naming_it(tmp_path):
    path = tmp_path / "missing" / "t.parquet"
    with pytest.raises(StorageError, match="missing"):
        write_all(path, (batch(10, start) for start in range(0, 10_000, 10)))


def test_a_batch_of_another_schema_is_an_error_not_a_hang(tmp_path):
    path = tmp_path / "t.parquet"
    wrong = pa.record_batch([[1]], names=["other"])
    with pytest.raises(pa.ArrowInvalid):
        write_all(path, [wrong] * 10)
    assert not path.exists()


def test_plain_writer_gives_text_a_dictionary_when_nothing_is_known(tmp_path):
    path = tmp_path / "t.parquet"
    with parquet_writer(path, SCHEMA) as writer:
        writer.write_batch(batch(100))
    group = pq.read_metadata(path).row_group(0)
    assert [group.column(i).has_dictionary_page for i in range(3)] == [False, True, True]
    assert group.column(0).compression == "ZSTD"
