"""A look at files: bounded in what it fetches, and honest about what it left out (E12)."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import InputError
from resources.sources import previews
from resources.sources.previews import preview_source
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec


class Remote(FolderConnector):
    """A folder whose files count as far away; notes which were fetched."""

    fetches = True

    def __init__(self, name, root):
        super().__init__(name, root)
        self.fetched = []

    def local_copy(self, item, scratch):
        self.fetched.append(item.key)
        return super().local_copy(item, scratch)


@pytest.fixture
def look(tmp_path, monkeypatch):
    monkeypatch.setattr(previews, "FETCHED_BYTES", 1000)

    def run(sizes, rows=5, kind=Remote):
        for number, size in enumerate(sizes):
            (tmp_path / f"{number}.csv").write_text("id\n" + "1\n" * ((size - 3) // 2))
        connector = kind("lake", tmp_path)
        return preview_source(
            FileSource(SourceSpec("s", "lake", path="*.csv"), connector), rows
        ), connector

    return run


def test_a_large_file_is_left_out_and_named(look):
    found, connector = look([5001, 101])
    assert connector.fetched == ["1.csv"]
    assert (found.table.num_rows, found.is_whole) == (5, False)
    assert found.warnings == ("0.csv has 0 MB: not fetched for a look",)


def test_small_files_are_fetched_until_the_limit(look):
    found, connector = look([401, 401, 401, 101], rows=1000)
    assert connector.fetched[-3:] == ["0.csv", "1.csv", "3.csv"]
    assert not found.is_whole


def test_only_large_files_are_refused_with_what_to_do(look):
    with pytest.raises(InputError, match=r"0\.csv has .* Look at a smaller object"):
        look([5001, 6001])


def test_files_that_lie_here_have_no_limit(look):
    found, _ = look([50_001], kind=FolderConnector)
    assert found.table.num_rows == 5
    found, _ = look([11], kind=FolderConnector)
    assert found.is_whole


def test_a_look_shows_what_the_store_would_keep_and_refuses_what_it_would_refuse(tmp_path):
    ids = pa.array([b"x" * 16], pa.uuid())
    pq.write_table(
        pa.table({"id": ids, "ids": pa.ListArray.from_arrays([0, 1], ids)}),
        tmp_path / "u.parquet",
    )
    source = FileSource(
        SourceSpec("s", "lake", path="u.parquet"), FolderConnector("lake", tmp_path)
    )
    assert preview_source(source, 5).table.schema.types == [pa.string(), pa.list_(pa.string())]
    opaque = pa.opaque(pa.int8(), "t", "v")
    pq.write_table(
        pa.table({"o": pa.ExtensionArray.from_storage(opaque, pa.array([1], pa.int8()))}),
        tmp_path / "u.parquet",
    )
    with pytest.raises(InputError, match="data source s: column 'o'"):
        preview_source(source, 5)
