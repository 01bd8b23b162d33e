"""Where small pictures are kept, and how some are made: each object read once, what is wrong with one remembered."""

from contextlib import contextmanager

import pytest

from orchestration.services.collections.thumbnails import (
    KeptPicture,
    ObjectRef,
    PictureFolder,
    PictureWanted,
    make_pictures,
)
from orchestration.services.home import Home
from resources.kernel.errors import ConnectorUnavailableError, NotFoundError
from resources.sources.object_urls import OpenObject
from tests.resources.media import media_files as make


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / "dagster")


class Lake:
    """Objects, and how often each was read."""

    def __init__(self, **files):
        self.files = files
        self.opened = []
        self.reads = []

    @contextmanager
    def open(self, of):
        self.opened.append(of.url)
        data = self.files[of.url]
        if isinstance(data, Exception):
            raise data

        def read(start, length):
            self.reads.append(of.url)
            return data[start : start + length]

        yield OpenObject(of.url, len(data), f"{hash(data)}", read)


def wanted(url, **more):
    return PictureWanted(ObjectRef("image", url, collection="photos", url=url), **more)


def make_all(home, lake, *names):
    told = {}
    asked = [wanted(name) for name in names]
    make_pictures(PictureFolder(home), "shop", lake.open, asked, told.__setitem__)
    found = [PictureFolder(home).find(one.key("shop")) for one in asked]
    return [one and one[0] for one in found], [told[one.key("shop")] for one in asked]


def test_an_object_is_read_once_and_what_is_wrong_with_it_is_remembered(home):
    lake = Lake(
        a=make.image(), b=b"no image", c=NotFoundError("gone"), d=ConnectorUnavailableError("later")
    )
    pictures, errors = make_all(home, lake, "a", "b", "c", "d")
    assert pictures[0].data[8:12] == b"WEBP"
    assert (pictures[1].data, pictures[1].rule) == (b"", "object_type_mismatch")
    assert pictures[2:] == [None, None]
    assert [type(error) for error in errors[2:]] == [NotFoundError, ConnectorUnavailableError]
    reads = list(lake.reads)
    make_all(home, lake, "a", "b")
    assert lake.reads == reads, "it was only asked whether they are the same"


def test_a_picture_of_another_object_is_made_anew_and_one_of_none_goes(home):
    lake = Lake(a=make.image(size=(40, 30)))
    (first,), _ = make_all(home, lake, "a")
    lake.files["a"] = make.image(size=(90, 30))
    (second,), _ = make_all(home, lake, "a")
    assert first.data != second.data
    lake.files["a"] = ConnectorUnavailableError("later")
    assert make_all(home, lake, "a")[0] == [second], "nothing is known of it: it stays"
    lake.files["a"] = NotFoundError("gone")
    assert make_all(home, lake, "a")[0] == [None]


def test_the_oldest_go_when_there_are_too_many(home):
    folder = PictureFolder(home, kept_bytes=256 * 1000)
    for number in range(10):
        folder.keep(f"ab{number}", KeptPicture(b"x" * 300, "", 0))
    kept = [number for number in range(10) if folder.find(f"ab{number}")]
    assert 0 < len(kept) <= 3
    assert 9 in kept


def test_what_is_no_picture_is_none(home):
    folder = PictureFolder(home)
    folder.keep("abc", KeptPicture(b"x", "", 1))
    path = home.root / "thumbnails" / "ab" / "abc"
    path.write_bytes(path.read_bytes()[:4])
    assert folder.find("abc") is None


def test_the_same_url_leads_elsewhere_in_another_collection_and_the_same_bytes_nowhere():
    here = wanted("s3://a/b")
    there = PictureWanted(ObjectRef("image", "b", collection="others", url="s3://a/b"))
    kept = [PictureWanted(ObjectRef("image", n, sha256="ab", collection=n)) for n in "xy"]
    assert len({here.key("shop"), there.key("shop"), here.key("other")}) == 3
    assert kept[0].key("shop") == kept[1].key("other")
    assert (
        len({wanted("a", place=p, edge=e).key("shop") for p in (None, 0, 1) for e in (1, 2)}) == 6
    )
