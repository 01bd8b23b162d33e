"""A file data source from its declaration to its rows: archives and members, options, formats (E11, B2, E54)."""

import io
import json
import zipfile

import pyarrow as pa
import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import ConfigError
from resources.kernel.records import Retype
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec, check_source


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/") + ".csv", content)
    return out.getvalue()


def read(folder, path, **spec):
    source = FileSource(
        SourceSpec("files", "lake", path=path, **spec), FolderConnector("lake", folder)
    )
    with source.open_streams() as open_stream:
        for _ in range(2):
            stream = open_stream()
            try:
                return pa.Table.from_batches(list(stream), stream.schema), stream
            except Retype:
                continue
    raise AssertionError("types did not settle")


def test_members_of_archives_under_a_glob(tmp_path):
    for year in (2013, 2014):
        content = zipped(
            flights__a=f"year,n\n{year},1\n", flights__b=f"year,n\n{year},x\n", notes="z\n"
        )
        (tmp_path / f"{year}.zip").write_bytes(content)
    table, _ = read(tmp_path, "*.zip", member="flights/*.csv")
    assert table.to_pydict() == {"year": [2013, 2013, 2014, 2014], "n": ["1", "x", "1", "x"]}
    with pytest.raises(ConfigError, match=r"2013\.zip holds 3 files: .*'flights/a\.csv'"):
        read(tmp_path, "*.zip")


def test_options_reach_the_reader(tmp_path):
    (tmp_path / "a.txt").write_bytes("stadt|preis\nKöln|1.234,5\n".encode("cp1252"))
    options = {"encoding": "cp1252", "separator": "|", "header": True}
    options |= {"decimal_mark": ",", "thousands_mark": "."}
    table, stream = read(tmp_path, "a.txt", options=options)
    assert table.to_pydict() == {"stadt": ["Köln"], "preis": [1234.5]}
    assert stream.guesses == []


@pytest.mark.parametrize("late", ["", '{"a":"x"}\n'], ids=["one pass", "two passes"])
def test_bad_files_are_left_out_with_their_reasons(tmp_path, late):
    for number in range(9):
        records = "".join(json.dumps({"a": i}) + "\n" for i in range(number, number + 3))
        (tmp_path / f"{number}.jsonl").write_text(records + (late if number == 8 else ""))
    (tmp_path / "6.jsonl").write_text('{"a":6}\n{"a":NaN}\n')
    table, stream = read(tmp_path, "*.jsonl", options={"on_bad_file": "skip"})
    assert table.num_rows == 24 + bool(late)
    assert [w for w in stream.warnings if "6.jsonl" in w] == [
        "Skipped 6.jsonl: 6.jsonl, line 2: NaN and Infinity are no JSON. Give `non_finite: number` to read them as such, or `non_finite: null`; or write null"
    ]


def test_declarations_are_checked_at_load():
    good = SourceSpec("f", "lake", path="x.zip", member="2013/*.csv", options={"separator": ";"})
    check_source(good, holds="files")
    bad = SourceSpec("f", "lake", path="x.xlsx", options={"separator": ";"})
    with pytest.raises(ConfigError, match="'separator' is not an option of Excel"):
        check_source(bad, holds="files")
