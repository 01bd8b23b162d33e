"""Columns under other names: what comes out, and what is refused."""

import pyarrow as pa
import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import ConfigError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.sources.previews import preview_source
from resources.sources.renaming import check_rename, renamed
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec


def stream(*names: str) -> BatchStream:
    table = pa.table({name: [1] for name in names})
    return BatchStream(table.schema, iter(table.to_batches()))


def test_names_may_be_swapped():
    found = renamed(stream("a", "b"), {"a": "b", "b": "a"}, where="x")
    assert found.schema.names == ["b", "a"]
    assert [batch.schema.names for batch in found] == [["b", "a"]]


def test_options_and_guesses_keep_the_names_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("Preis;Ware\n1,5;00123\n")
    spec = SourceSpec(
        "s", "lake", path="a.csv", options={"types": {"Ware": "text"}}, rename={"Preis": "price"}
    )
    found = preview_source(FileSource(spec, FolderConnector("lake", tmp_path)), 5)
    assert found.table.to_pylist() == [{"price": 1.5, "Ware": "00123"}]


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(
        SchemaMismatchError, match=r"no column 'pric'.*'price'.*Did you mean 'price'"
    ):
        renamed(stream("price", "id"), {"pric": "x"}, where="data source s")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(SchemaMismatchError, match="'b' at positions"):
        renamed(stream("a", "b"), {"a": "b"}, where="data source s")


@pytest.mark.parametrize("rename", [{"a": "c", "b": "c"}, {"a": ""}, {" ": "a"}])
def test_names_that_cannot_be_are_refused_before_any_file_is_there(rename):
    with pytest.raises(ConfigError, match="rename"):
        check_rename(rename)
