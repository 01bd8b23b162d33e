"""ZIPs of images: folders and bytes come out as they went in; all that is no image is named; what is made to harm is refused."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile

import pytest

from resources.formats import archives, unpacking
from resources.kernel.errors import InputError, ParseError
from resources.media import unpacking as image_unpacking
from resources.media.unpacking import open_image_archive
from tests.resources.media import media_files as make

PNG, JPEG = make.image("PNG"), make.noise("JPEG", (300, 200))


def zipped(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members if isinstance(members, list) else members.items():
            archive.writestr(name, content)
    return out.getvalue()


def taken(tmp_path, data):
    path = tmp_path / "photos.zip"
    path.write_bytes(data)
    with open_image_archive(path, "photos.zip") as archive:
        return {image.path: (image.mime_type, stream.read()) for image, stream in archive.streams()}


def refused(tmp_path, data, kind=InputError):
    with pytest.raises(kind) as caught:
        taken(tmp_path, data)
    assert "photos.zip" in str(caught.value)
    return caught.value


def test_images_keep_their_folders_and_bytes(tmp_path):
    members = {"site/": b"", "site/north/a.jpg": JPEG, "b.png": PNG, "site/no ending": PNG}
    assert taken(tmp_path, zipped(members)) == {
        "b.png": ("image/png", PNG),
        "site/no ending": ("image/png", PNG),
        "site/north/a.jpg": ("image/jpeg", JPEG),
    }


@pytest.mark.parametrize("junk", ["__MACOSX/._a.png", "x/.DS_Store", "Thumbs.db", "x/desktop.ini"])
def test_what_systems_add_is_left_out(tmp_path, junk):
    assert list(taken(tmp_path, zipped({"a.png": PNG, junk: b"x"}))) == ["a.png"]


def test_all_that_is_no_image_is_named_at_once_and_nothing_is_taken(tmp_path):
    members = {
        "a.png": PNG, "notes.txt": b"words", "fake.jpg": b"<svg onload='x'/>", "empty.png": b"",
        "inner.zip": zipped({"b.png": PNG}), "film.png": make.video(), "run.png": b"MZ" + bytes(80),
    }  # fmt: skip
    error = refused(tmp_path, zipped(members))
    assert {one["path"]: one["reason"] for one in error.facts["members"]} == {
        "notes.txt": "no image but text/plain",
        "fake.jpg": "no image but image/svg+xml",
        "empty.png": "empty",
        "inner.zip": "no image but application/zip",
        "film.png": "no image but video/mp4",
        "run.png": "no image but application/x-msdownload",
    }
    assert "6 of 7 files cannot be taken: 'empty.png': empty; " in error.message


def test_many_wrong_files_are_counted_and_the_first_are_named(tmp_path):
    error = refused(tmp_path, zipped({f"{n:03}.txt": b"words" for n in range(50)}))
    assert "50 of 50 files" in error.message
    assert "and 30 more" in error.message
    assert len(error.facts["members"]) == 50


def test_an_archive_without_an_image(tmp_path):
    assert "holds no image" in refused(tmp_path, zipped({"a/": b"", "x/.DS_Store": b""})).message


@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "/etc/a.png", "C:/a.png", "C:\\a.png", "..\\a.png", "\\\\host\\a.png", "a\0.png"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    info = zipfile.ZipInfo("placeholder".ljust(len(name.encode()), "_")[: len(name.encode())])
    data = zipped([(info, PNG)])
    data = data.replace(info.filename.encode(), name.encode())
    assert "points outside" in refused(tmp_path, data, ParseError).message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON.png", "reserved"), ("x/lpt1", "reserved"), ("nul.tar.png", "reserved"), ("a.png ", "dot or space"),
        ("a./b.png", "dot or space"), ("a//b.png", "empty"), ("a\x1b[31m.png", "control"), ("a\n.png", "control"),
        ("a\u202egnp.exe", "control"), ("x" * 256, "too long"), ("/".join(["folder"] * 200), "too long"),
    ],
)  # fmt: skip
def test_a_name_that_some_system_cannot_hold_is_refused(tmp_path, name, reason):
    error = refused(tmp_path, zipped({name: PNG}))
    assert reason in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "names",
    [
        ("A.png", "a.PNG"), ("straße.png", "STRASSE.png"), ("é.png", unicodedata.normalize("NFD", "é.png")),
        ("x/a.png", "X/A.png"), ("a.png", "a.png/b.png"), ("x\\a.png", "x/a.png"),
    ],
)  # fmt: skip
def test_names_that_are_one_on_some_systems_are_refused(tmp_path, names):
    error = refused(tmp_path, zipped([(name, PNG) for name in names]))
    assert "case does not count" in error.message or "a folder of its name" in error.message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path):
    assert "the same name" in refused(tmp_path, zipped([("a.png", PNG), ("a.png", JPEG)])).message


def test_folders_of_windows_become_folders(tmp_path):
    info = zipfile.ZipInfo("x")
    info.filename = "north\\a.png"
    assert list(taken(tmp_path, zipped([(info, PNG)]))) == ["north/a.png"]


def test_names_in_utf_8_that_do_not_say_so_are_read_as_meant(tmp_path):
    data = bytearray(zipped({"Köln.png": PNG}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + place
        struct.pack_into("<H", data, at, struct.unpack_from("<H", data, at)[0] & ~0x800)
    assert list(taken(tmp_path, bytes(data))) == ["Köln.png"]


def test_a_decomposed_name_is_kept_composed(tmp_path):
    name = unicodedata.normalize("NFD", "Köln.png")
    assert list(taken(tmp_path, zipped({name: PNG}))) == ["Köln.png"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path, kind):
    info = zipfile.ZipInfo("a.png")
    info.external_attr = (kind | 0o777) << 16
    assert "link or a device" in refused(tmp_path, zipped([(info, b"/etc/passwd")])).message


def test_an_encrypted_member_is_refused(tmp_path):
    data = bytearray(zipped({"a.png": PNG}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"PK\x03\x04") + 6] |= 1
    assert "is encrypted" in refused(tmp_path, bytes(data), ParseError).message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_method_is_refused(tmp_path, method):
    assert "unusual method" in refused(tmp_path, zipped({"a.png": PNG}, method)).message


def test_a_bomb_is_refused_by_what_its_directory_says(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "RATIO_BYTES", 100_000)
    bomb = zipped({"a.bmp": make.image("BMP", (1000, 500))})
    assert "packed bytes unpack to" in refused(tmp_path, bomb, ParseError).message


def test_more_than_may_be_unpacked_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_GB", 1000)
    assert "at most 10 GB are read" in refused(tmp_path, zipped({"a.jpg": JPEG}), ParseError).message  # fmt: skip


def test_a_directory_that_lies_about_a_length_is_found_out(tmp_path):
    data = bytearray(zipped({"a.jpg": JPEG}, zipfile.ZIP_STORED))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, len(JPEG) - 50)
    refused(tmp_path, bytes(data), ParseError)
    struct.pack_into("<I", data, at + 24, len(JPEG) + 50)
    refused(tmp_path, bytes(data), ParseError)


def test_members_that_share_bytes_are_refused(tmp_path):
    data = bytearray(zipped({"a.png": PNG, "b.png": PNG}))
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    assert "overlaps" in refused(tmp_path, bytes(data), ParseError).message


def test_too_many_members_are_refused_before_the_directory_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(image_unpacking, "MAX_ENTRIES", 3)
    monkeypatch.setattr(archives.zipfile, "ZipFile", None)  # not even tried
    data = _zipped_before({f"{n}.png": PNG for n in range(4)})
    assert "it has 4 entries" in refused(tmp_path, data, ParseError).message


_ZIPFILE = zipfile.ZipFile


def _zipped_before(members):
    out = io.BytesIO()
    with _ZIPFILE(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_damaged_bytes_are_found_out_by_name(tmp_path):
    data = bytearray(zipped({"site/a.jpg": JPEG}))
    data[len(JPEG) // 2] ^= 0xFF
    assert "'site/a.jpg'" in refused(tmp_path, bytes(data), ParseError).message


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    data = zipped({"a.png": PNG, "b.jpg": JPEG})
    for end in range(0, len(data), 97):
        refused(tmp_path, data[:end], ParseError)


def test_images_are_unpacked_one_after_the_other(tmp_path):
    path = tmp_path / "photos.zip"
    path.write_bytes(zipped({f"{n}.jpg": JPEG for n in range(5)}))
    with open_image_archive(path, "photos.zip") as archive:
        assert len(archive.images) == 5
        streams = archive.streams()
        image, stream = next(streams)
        assert (image.path, image.size) == ("0.jpg", len(JPEG))
        assert stream.read(10) == JPEG[:10]
        assert stream.read() == JPEG[10:]
        assert next(streams)[0].path == "1.jpg"
        streams.close()
