"""A look before anything is kept: types, guesses, and what hostile files get."""

import gzip
import io
import re
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.services.uploads.previews import preview_upload
from orchestration.services.uploads.settings import UploadSettings
from resources.formats import unpacking
from resources.kernel.errors import ConfigError
from resources.stores.kept_uploads import GivenFile

AS_FOUND = UploadSettings()


@pytest.fixture
def look(tmp_path):
    def preview(settings: UploadSettings = AS_FOUND, rows: int = 5, **files: bytes):
        given = []
        for position, (name, data) in enumerate(files.items()):
            path = tmp_path / f"file-{position}"
            path.write_bytes(data)
            given.append(GivenFile(name.replace("__", "."), path))
        return preview_upload(given, settings, rows=rows)

    return preview


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_types_rows_and_guesses_and_asked_again_with_other_options(look):
    text = b"id;price\n1;1,50\n2;2,75\n"
    found = look(day__csv=text)
    assert found.columns == (("id", "int64"), ("price", "double"))
    assert found.rows == [[1, 1.5], [2, 2.75]]
    assert {"separator", "decimal mark"} & {guess.subject for guess in found.guesses}
    again = look(UploadSettings("csv", options={"separator": ","}), day__csv=text)
    assert "day.csv, line 2" in again.detail


def test_several_files_are_one_table_and_the_first_are_enough(look):
    files = {f"f{i:03d}__csv": b"id\n%d\n" % i for i in range(40)}
    found = look(rows=3, **files)
    assert found.rows == [[0], [1], [2]]
    assert not found.is_whole


def test_a_name_that_tells_no_format_needs_one(look):
    assert "does not tell the format" in look(x__dat=b"id\n1\n").detail
    assert look(UploadSettings("csv"), x__dat=b"id\n1\n").rows == [[1]]


def test_settings_that_make_no_sense_are_refused(look):
    with pytest.raises(ConfigError, match="'sep' is not an option of CSV"):
        look(UploadSettings("csv", options={"sep": ";"}), x__csv=b"id\n1\n")


def bomb() -> bytes:
    return gzip.compress(bytes(4_000_000))


def lying_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "id\n" + "1\n" * 1000)
    data = bytearray(out.getvalue())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def leading_outside() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../a.csv", "id\n1\n")
    return out.getvalue()


def wide() -> bytes:
    return parquet(pa.table({f"c{i}": pa.array([], pa.int8()) for i in range(20_001)}))


def broken_footer() -> bytes:
    data = bytearray(parquet(pa.table({"id": range(1000)})))
    data[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("x__csv__gz", bomb, "refused: .* packed bytes unpack"),
        ("x__zip", lying_zip, "as long as the directory says|cannot be unpacked"),
        ("x__zip", leading_outside, "points outside"),
        ("x__parquet", wide, "20,001 columns|more than 20,000"),
        ("x__parquet", broken_footer, "x.parquet"),
    ],
    ids=["bomb", "lying length", "leads outside", "too many columns", "broken footer"],
)
def test_hostile_files_are_refused_by_name(look, monkeypatch, name, make, message):

    monkeypatch.setattr(unpacking, "RATIO_BYTES", 1_000_000)
    found = look(**{name: make()})
    assert not found.ok
    assert re.search(message, found.detail), found.detail
