"""ZIP archives: the member that is meant arrives unchanged; what is made to harm is refused by name (B2, T7-T10)."""

import gc
import gzip
import io
import lzma
import re
import stat
import struct
import tempfile
import zipfile
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats import archives, unpacking
from resources.formats.archives import MemberChoice, unpack
from resources.formats.files import SourceFile
from resources.formats.registry import open_reader
from resources.formats.unpacking import UnpackBudget
from resources.kernel.errors import (
    ConfigError,
    EmptySourceError,
    InputError,
    ParseError,
    SchemaMismatchError,
)
from resources.kernel.records import Retype

CSV = b"id,zip\n1,00123\n2,04107\n"
ROWS = {"id": [1, 2], "zip": ["00123", "04107"]}


def zipped(members, *, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def store(folder, content, name="data.zip"):
    path = folder / name
    path.write_bytes(content)
    return SourceFile(name, path)


def read(*files, **options):
    stream = open_reader(files, **options).stream()
    table = pa.Table.from_batches(list(stream), stream.schema)
    return table.to_pydict(), stream


def parquet_bytes():
    out = io.BytesIO()
    pq.write_table(pa.table(ROWS), out)
    return out.getvalue()


class TestMembers:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("x.csv", CSV),
            ("x.jsonl", b'{"id":1,"zip":"00123"}\n{"id":2,"zip":"04107"}\n'),
            ("x.json", b'[{"id":1,"zip":"00123"},{"id":2,"zip":"04107"}]'),
            ("x.parquet", parquet_bytes()),
        ],
    )
    def test_the_only_data_file_is_read(self, tmp_path, name, content):
        members = {"docs/": b"", f"docs/{name}": content, "README.md": b"hello", ".DS_Store": b"x"}
        assert read(store(tmp_path, zipped(members)))[0] == ROWS

    def test_the_name_of_the_archive_may_tell_the_format(self, tmp_path):
        file = store(tmp_path, zipped({"export": CSV}), "x.csv.zip")
        assert read(file, format="csv")[0] == ROWS

    def test_told_by_content_whatever_the_name(self, tmp_path):
        assert read(store(tmp_path, zipped({"a.csv": CSV}), "data.csv"))[0] == ROWS

    @pytest.mark.parametrize(
        ("name", "shown"),
        [("export\\data.csv", "export/data.csv"), ("export 10:30.csv", "export 10:30.csv")],
    )
    def test_names_of_windows_and_of_clocks(self, tmp_path, name, shown):
        """Formats A16: .NET writes backslashes; a colon leads nowhere."""
        content = zipped({name.replace("\\", "/"): CSV + b"3\n"})
        content = content.replace(name.replace("\\", "/").encode(), name.encode())
        with pytest.raises(ParseError, match=re.escape(f"data.zip/{shown}, line 4")):
            read(store(tmp_path, content))
        whole = zipped({name.replace("\\", "/"): CSV}).replace(
            name.replace("\\", "/").encode(), name.encode()
        )
        assert read(store(tmp_path, whole), member="**/*.csv")[0] == ROWS

    @pytest.mark.parametrize("name", ["data.csv", "data.zip"])
    def test_a_workbook_under_another_name(self, tmp_path, name):
        """Formats A19."""
        content = zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})
        with pytest.raises(ParseError, match=r"is an Excel workbook.*`format: excel`"):
            read(store(tmp_path, content, name))

    def test_two_data_files_are_an_error_that_names_them(self, tmp_path):
        file = store(tmp_path, zipped({"a.csv": CSV, "b.csv": CSV}))
        with pytest.raises(
            ConfigError, match=r"data\.zip holds 2 files: 'a\.csv', 'b\.csv'.*member:"
        ):
            read(file)

    def test_a_member_by_name(self, tmp_path):
        file = store(tmp_path, zipped({"a.csv": CSV, "b.csv": b"id\n7\n"}))
        assert read(file, member="b.csv")[0] == {"id": [7]}

    def test_members_by_a_pattern(self, tmp_path):
        members = {"2013/b.csv": b"id\n2\n", "2013/a.csv": b"id\n1\n", "2013/x/c.csv": b"id\n3\n", "a.csv": b"id\n4\n"}  # fmt: skip
        file = store(tmp_path, zipped(members))
        assert read(file, member="2013/*.csv")[0] == {"id": [1, 2]}
        assert sorted(read(file, member="**/*.csv")[0]["id"]) == [1, 2, 3, 4]

    def test_no_such_member(self, tmp_path):
        with pytest.raises(ConfigError, match=r"no member matches 'x'.*It holds 'a\.csv'"):
            read(store(tmp_path, zipped({"a.csv": CSV})), member="x")

    def test_errors_name_archive_and_member(self, tmp_path):
        with pytest.raises(ParseError, match=r"data\.zip/a\.csv, line 3: expected 2 fields"):
            read(store(tmp_path, zipped({"a.csv": b"a,b\n1,2\n3\n"})))

    def test_an_archive_without_files(self, tmp_path):
        with pytest.raises(InputError, match="holds no file"):
            read(store(tmp_path, zipped({"empty/": b""})))

    def test_an_archive_inside_is_not_opened(self, tmp_path):
        inner = zipped({"a.csv": CSV})
        with pytest.raises(ConfigError, match="does not tell the format"):
            read(store(tmp_path, zipped({"inner.zip": inner})))
        with pytest.raises(InputError):
            read(store(tmp_path, zipped({"inner.zip": inner})), format="csv")

    def test_a_bad_archive_fails_all_or_is_left_out(self, tmp_path):
        files = [
            store(tmp_path, zipped({"a.csv": CSV}), "1.zip"),
            store(tmp_path, zipped({"a.csv": CSV})[:-30], "2.zip"),
        ]
        with pytest.raises(ParseError, match=r"2\.zip: cannot be unpacked"):
            read(*files)
        rows, stream = read(*files, options={"on_bad_file": "skip"})
        assert rows == ROWS
        assert stream.warnings[0].startswith("Skipped 2.zip: ")

    def test_copies_lie_in_the_scratch_folder_under_our_names(self, tmp_path):
        (tmp_path / "scratch").mkdir()
        file = store(tmp_path, zipped({"a b.csv": CSV}))
        assert read(file, scratch=tmp_path / "scratch")[0] == ROWS
        copies = [p for p in (tmp_path / "scratch").rglob("*") if p.is_file()]
        assert [copy.name for copy in copies] == ["member-000000"]


def with_patched_sizes(content, size):
    """The archive with another uncompressed size in its directory and local header."""
    data = bytearray(content)
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", size)
    data[22:26] = struct.pack("<I", size)
    return bytes(data)


def linked():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def encrypted():
    data = bytearray(zipped({"a.csv": CSV}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def overlapping():
    """Two entries of the directory that share one stretch of bytes, as in the bombs of Fifield."""
    data = zipped({"a.csv": CSV})
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[start:end]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), start, 0)
    return data[:start] + entry + entry.replace(b"a.csv", b"b.csv") + tail


HOSTILE = {
    "parent folder": (zipped({"../a.csv": CSV}), "points outside"),
    "parent folder within": (zipped({"x/../../a.csv": CSV}), "points outside"),
    "absolute": (zipped({"/etc/a.csv": CSV}), "points outside"),
    "drive": (zipped({"C:/a.csv": CSV}), "points outside"),
    "backslash": (zipped({"..\\a.csv": CSV}), "points outside"),
    "drive and backslash": (zipped({"C:\\a.csv": CSV}), "points outside"),
    "share": (zipped({"\\\\host\\a.csv": CSV}), "points outside"),
    "link": (linked(), "link or a device"),
    "encrypted": (encrypted(), "is encrypted"),
    "overlapping": (overlapping(), "overlaps another"),
    "says it is longer": (with_patched_sizes(zipped({"a.csv": CSV}), 999), "cannot be unpacked|not as long"),
    "says it is shorter": (with_patched_sizes(zipped({"a.csv": CSV}), 3), "cannot be unpacked|not as long"),
    "ratio": (with_patched_sizes(zipped({"a.csv": b"0" * (1 << 20)}), 600 << 20), "unpack to 629,145,600"),
    "no archive": (b"PK\x03\x04" + b"x" * 100, "cannot be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_harm_is_refused(tmp_path, content, reason):
    """T7-T9: one error that names the archive, and nothing is written outside the scratch folder."""
    folder = tmp_path / "above" / "archive"
    folder.mkdir(parents=True)
    file = store(folder, content)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ParseError, match=reason) as caught:
        unpack(file, MemberChoice(endings=(".csv",)), folder / "scratch")
    assert caught.value.facts["file"] == "data.zip"
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.parent == folder / "scratch" for path in written)


def test_limits_of_size_and_entries(tmp_path, monkeypatch):
    file = store(tmp_path, zipped({"a.csv": CSV, "b.txt": b"x"}))
    monkeypatch.setattr(unpacking, "_GB", 10)
    limited = replace(file, budget=UnpackBudget(max_gb=1))
    with pytest.raises(ParseError, match="have 23 bytes unpacked"):
        unpack(limited, MemberChoice("a.csv"), tmp_path / "one")
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    with pytest.raises(ParseError, match="it has 2 entries"):
        unpack(file, MemberChoice("a.csv"), tmp_path / "two")


def test_an_empty_archive_file(tmp_path):
    with pytest.raises(EmptySourceError):
        read(store(tmp_path, b"", "x.csv"))


SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
ZST = pa.Codec("zstd").compress(CSV, asbytes=True)
GZ = gzip.compress(CSV)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv.zst", SKIPPABLE + ZST),
        ("x.csv.zst", SKIPPABLE * 3 + ZST + SKIPPABLE),
        ("x.csv.gz", GZ + bytes(512)),
        ("x.csv.gz", gzip.compress(CSV[:10]) + gzip.compress(CSV[10:]) + bytes(16)),
    ],
    ids=["pzstd", "seekable", "padded", "padded members"],
)
def test_what_tools_add_to_compressed_files_is_no_damage(tmp_path, name, content):
    """Formats A16."""
    assert read(store(tmp_path, content, name))[0] == ROWS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(GZ), "packed twice: its content is gzip again"),
        (lzma.compress(CSV), r"packed with xz\. Pack it again as \.gz"),
        (b"PAR1" + bytes(20), r"Parquet file\. Give `format: parquet`"),
        (b"\xd0\xcf\x11\xe0" + bytes(20), r"Excel 97 \(\.xls\)"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><body>Log in</body></html>\n", "a web page"),
        (b"<html lang=en>\n<p>error\n", "a web page"),
        (GZ[:-12] + bytes(64), "damaged or cut off"),
        (b"\x28\xb5\x2f\xfd\x00\xa8" + ZST[6:], "window of more than 128 MB.*--long=27"),
    ],
    ids=["gzip twice", "xz", "parquet", "xls", "page", "page alone", "cut", "long window"],
)
def test_what_is_no_text_is_called_by_its_name(tmp_path, content, reason):
    """Formats A16, A19: each was an error about quotes, or rows of markup."""
    with pytest.raises(ParseError, match=reason):
        read(store(tmp_path, content, "x.csv"))


@pytest.mark.parametrize("zeros", [1, 3, 7, 512])
def test_gzip_padded_with_any_number_of_zeros_is_read(tmp_path, zeros):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n1\n2\n") + b"\0" * zeros)
    stream = open_reader([SourceFile("a.csv.gz", path)]).stream()
    assert pa.Table.from_batches(list(stream), stream.schema)["id"].to_pylist() == [1, 2]
    path.write_bytes(gzip.compress(b"id\n1\n2\n")[:-9] + b"\0" * zeros)
    with pytest.raises(ParseError, match="damaged or cut off"):
        list(open_reader([SourceFile("a.csv.gz", path)]).stream())


def _stream_again(reader):
    """The stream after the one that found a file to leave out."""
    with pytest.raises(Retype):
        list(reader.stream())
    return reader.stream()


def test_half_of_the_files_counts_over_archives_and_reader_together(tmp_path):
    contents = {"1.csv.zip": b"PK\3\4 damaged", "2.csv": b"id,n\n1\n", "3.csv": b"id,n\n1,2\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [SourceFile(name, tmp_path / name) for name in contents]
    with pytest.raises(ParseError, match="more than half of the 3 files"):
        _stream_again(open_reader(files, options={"on_bad_file": "skip"}))
    (tmp_path / "4.csv").write_bytes(b"id,n\n1,2\n")
    files.append(SourceFile("4.csv", tmp_path / "4.csv"))
    stream = _stream_again(open_reader(files, options={"on_bad_file": "skip"}))
    assert sum(batch.num_rows for batch in stream) == 2
    assert len([warning for warning in stream.warnings if "Skipped" in warning]) == 2


@pytest.mark.parametrize("header", [b"id,id", b"id,"], ids=["twins", "no name"])
def test_names_that_would_lose_a_column_are_a_shape_and_not_skipped(tmp_path, header):
    for name, head in {"1.csv": header, "2.csv": b"id,n", "3.csv": b"id,n"}.items():
        (tmp_path / name).write_bytes(head + b"\n1,2\n")
    files = [SourceFile(f"{n}.csv", tmp_path / f"{n}.csv") for n in (1, 2, 3)]
    with pytest.raises(SchemaMismatchError, match=r"1\.csv"):
        list(open_reader(files, options={"on_bad_file": "skip"}).stream())


def test_what_was_unpacked_goes_with_its_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "a.csv.zip").write_bytes(zipped({"a.csv": CSV}))
    reader = open_reader([SourceFile("a.csv.zip", tmp_path / "a.csv.zip")])
    stream = reader.stream()
    del reader
    assert pa.Table.from_batches(list(stream), stream.schema).to_pydict() == ROWS
    del stream
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv.zip"]
