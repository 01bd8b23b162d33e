import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import InputError
from resources.sources.previews import preview_source
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec

LOGS = {
    "_delta_log/00000000000000000000.json": "Delta Lake",
    ".hoodie/hoodie.properties": "Apache Hudi",
    "metadata/v1.metadata.json": "Apache Iceberg",
}


@pytest.mark.parametrize("path", ["t/", "t/**/*.parquet"])
@pytest.mark.parametrize(("log", "name"), LOGS.items(), ids=LOGS.values())
def test_files_of_a_table_format_are_refused_by_its_name(tmp_path, path, log, name):
    for folder in ("data", log.rpartition("/")[0]):
        (tmp_path / "t" / folder).mkdir(parents=True)
    pq.write_table(pa.table({"id": [1]}), tmp_path / "t/data/p.parquet")
    source = FileSource(SourceSpec("s", "lake", path=path), FolderConnector("lake", tmp_path))
    assert preview_source(source, 5).table.num_rows == 1
    (tmp_path / "t" / log).write_text("{}")
    with pytest.raises(InputError, match=rf"t/ is a table of {name}"):
        preview_source(source, 5)
