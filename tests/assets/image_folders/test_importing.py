"""From a ZIP to a version: bytes kept once, a row an image, all or nothing."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import zipfile
from datetime import timedelta

import duckdb
import pytest

from assets.image_folders import importing
from assets.image_folders.table import ImagesRecord
from resources.kernel.errors import GoneError, InputError, NotFoundError, ParseError
from resources.stores.local import LocalStorage
from tests.assets.image_folders.zips import JPEG, KEY, PNG, Photos, zipped
from tests.faults import count_steps, kill_at
from tests.resources.media import media_files as make

MEMBERS = {
    "site/north/a.jpg": JPEG,
    "b.png": PNG,
    "site/again.png": PNG,
    "site/": b"",
    "empty/": b"",
    "Köln/größe.png": PNG,
    "__MACOSX/site/._a.jpg": b"x",
    "site/.DS_Store": b"x",
    "Thumbs.db": b"x",
}
IMAGES = {name: data for name, data in MEMBERS.items() if len(data) > 1}


@pytest.fixture
def photos(tmp_path) -> Photos:
    return Photos(tmp_path)


def test_files_come_out_as_they_went_in_and_the_table_says_what_they_are(photos):
    photos.upload(zipped(MEMBERS))
    report = photos.bring("run-1")
    assert photos.files() == IMAGES
    assert [list(row.values()) for row in photos.rows()] == [
        ["Köln/größe.png", "Köln", sha(PNG), len(PNG), "png", 40, 30, None],
        ["b.png", "", sha(PNG), len(PNG), "png", 40, 30, "Köln/größe.png"],
        ["site/again.png", "site", sha(PNG), len(PNG), "png", 40, 30, "Köln/größe.png"],
        ["site/north/a.jpg", "site/north", sha(JPEG), len(JPEG), "jpeg", 60, 40, None],
    ]
    assert photos.objects() == {sha(PNG), sha(JPEG)}
    record = ImagesRecord.of(report.version)
    assert (record.count, record.folders, record.duplicates) == (4, 3, 2)
    assert record.size_bytes == sum(map(len, IMAGES.values()))
    assert [one.path for one in record.first] == [row["path"] for row in photos.rows()]
    source = report.version.properties["source"]
    assert (source["upload"], source["uploaded_by"]) == (1, "ada")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_table_is_read_by_duckdb_and_pandas(photos):
    photos.upload(zipped(MEMBERS))
    photos.bring("run-1")
    table = photos.tables.read(KEY)
    with duckdb.connect() as connection:
        table.relation(connection).create_view("photos")
        query = "select path from photos where width > 50"
        assert connection.execute(query).fetchall() == [("site/north/a.jpg",)]
    assert table.to_pandas().groupby("folder")["path"].count().to_dict()["site"] == 1


def test_a_name_that_lies_is_told_by_content(photos):
    photos.upload(zipped({"really.jpg": PNG, "photo.txt": JPEG}))
    photos.bring("run-1")
    assert {row["path"]: row["format"] for row in photos.rows()} == {"really.jpg": "png", "photo.txt": "jpeg"}  # fmt: skip


def test_a_second_zip_is_a_new_version_whose_bytes_come_once(photos):
    photos.upload(zipped({"a.png": PNG, "b.jpg": JPEG}))
    photos.bring("run-1")
    photos.upload(zipped({"renamed.png": PNG}))
    assert photos.bring("run-2").version.number == 2
    assert photos.files() == {"renamed.png": PNG}
    assert photos.files(version=1) == {"a.png": PNG, "b.jpg": JPEG}
    assert photos.objects() == {sha(PNG), sha(JPEG)}


def test_the_same_zip_again_is_no_new_version_and_the_zip_itself_does_not_stay(photos):
    data = zipped({"a.png": PNG})
    photos.upload(data)
    photos.bring("run-1")
    photos.upload(data)
    assert photos.bring("run-2").unchanged
    assert photos.bring("run-3").unchanged
    assert [version.number for version in photos.tables.item(KEY).versions()] == [1]
    assert not photos.uploads.has_bytes(photos.uploads.find("photos", 1))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"notes.txt": b"words", "x/fake.png": b"some text"}, "no image but text/plain"),
        ({"cut.png": PNG[:20]}, "cannot be read"),
        ({"fake.jpg": b"<svg onload='x'/>"}, r"image/svg\+xml"),
    ],
)
def test_what_is_no_image_is_named_and_nothing_is_kept(photos, wrong, told):
    photos.upload(zipped({"a.png": PNG}))
    photos.bring("run-1")
    photos.upload(zipped({"b.jpg": JPEG, **wrong}))
    with pytest.raises(InputError, match=told) as caught:
        photos.bring("run-2")
    assert {one["path"] for one in caught.value.facts["members"]} == set(wrong)
    assert photos.files() == {"a.png": PNG}
    assert not photos.uploads.has_bytes(photos.uploads.newest("photos"))
    photos.media.collect(timedelta(0))
    photos.media.collect(timedelta(0))
    assert photos.objects() == {sha(PNG)}


def test_after_a_refused_zip_the_version_before_stands_and_a_retry_says_what_to_do(photos):
    with pytest.raises(NotFoundError, match=r"waybill image-folder upload FILE\.zip --name photos"):
        photos.bring("run-0")
    photos.upload(b"no ZIP at all")
    with pytest.raises(ParseError):
        photos.bring("run-1")
    with pytest.raises(GoneError, match="upload the ZIP again"):
        photos.bring("run-2")
    photos.upload(zipped({"a.png": PNG}))
    photos.bring("run-3")
    photos.upload(b"PK\x03\x04 and no more")
    with pytest.raises(ParseError):
        photos.bring("run-4", upload=3)
    assert photos.bring("run-5").unchanged
    with pytest.raises(GoneError):
        photos.bring("run-6", upload=3)


def test_all_images_that_cannot_be_read_are_named_at_once(photos):
    photos.upload(zipped({"1.png": PNG[:20], "2.png": PNG, "3.jpg": JPEG[:10]}))
    with pytest.raises(InputError, match=r"2 of 3 files cannot be taken: '1.png': .*; '3.jpg': "):
        photos.bring("run-1")


def test_a_large_zip64_of_a_stream_without_lengths_is_read(photos):
    out = io.BytesIO()
    with (
        zipfile.ZipFile(_NoWayBack(out), "w") as archive,
        archive.open("a.png", "w", force_zip64=True) as member,
    ):
        member.write(PNG)
    photos.upload(out.getvalue())
    photos.bring("run-1")
    assert photos.files() == {"a.png": PNG}


class _NoWayBack(io.RawIOBase):
    def __init__(self, out):
        self._out = out

    def writable(self):
        return True

    def write(self, data):
        return self._out.write(data)


def test_many_small_images_take_bounded_memory(photos, monkeypatch):
    """What is waited for is bounded, and rows leave in batches: the peak of 1,200 is hardly more than that of 200."""

    def peak(count: int) -> int:
        noise = make.noise("BMP", (40, 40))
        members = {f"{n:05}.bmp": noise[:-5] + n.to_bytes(5, "big") for n in range(count)}
        photos.upload(zipped(members))
        del members
        tracemalloc.start()
        photos.bring(f"run-{count}")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(20)
    small, large = peak(200), peak(1200)
    assert (
        large - small < 1000 * 3_000
    )  # an image has 4.9 kB; a row and its place in the directory stay


@pytest.mark.kill
def test_killed_anywhere_and_tried_again_it_is_whole_or_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "_TELL_SECONDS", 0)
    targets = [(LocalStorage, "place"), (LocalStorage, "create"), (LocalStorage, "remove_folder")]

    def prepared(name: str) -> Photos:
        photos = Photos(tmp_path / name)
        photos.root.mkdir()
        photos.upload(zipped({"old.png": PNG}))
        photos.bring("run-1")
        photos.upload(zipped({"new/a.jpg": JPEG, "new/b.png": PNG}))
        return photos

    def again(photos: Photos):
        return lambda: photos.bring("run-2", attempt=0) and None

    steps = count_steps(again(prepared("whole")), targets)
    assert len(steps) >= 8
    for step in range(0, len(steps), 2):  # after one is before the next
        photos = prepared(str(step))
        assert kill_at(again(photos), targets, step).killed
        assert photos.files() in ({"old.png": PNG}, {"new/a.jpg": JPEG, "new/b.png": PNG})
        photos.bring("run-2", attempt=1)
        assert photos.files() == {"new/a.jpg": JPEG, "new/b.png": PNG}
        assert photos.tables.item(KEY).latest().number == 2
