"""Files received for a task: kept by their content, each under a name of its own, whatever they are called."""

import asyncio
import hashlib

import pytest

from orchestration.services.home import open_home
from orchestration.services.import_tasks.received import received_files
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.receiving import receive_piece
from resources.import_tasks.definition import MOST_FILES
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.uploads import UploadStore


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return open_home()


def sent(home, name, data=b"x", project="shop"):
    uploads = IncomingUploads(home)
    made = uploads.begin(name, size_bytes=len(data), by="ada", project=project)

    async def body():
        yield data

    asyncio.run(receive_piece(uploads, made.upload_id, 0, body()))
    return uploads.finish(made.upload_id).upload_id


def test_they_outlive_what_they_were_received_as(home):
    ids = [sent(home, "a.pdf", b"one"), sent(home, "b.pdf", b"two"), sent(home, "c.pdf", b"one")]
    found = received_files(home, "shop", [*ids, ids[0]])
    shown = [(one.name, one.size) for one in found.files]
    assert shown == [("a.pdf", 3), ("b.pdf", 3), ("c.pdf", 3)]
    assert found.files[0].sha256 == found.files[2].sha256 == hashlib.sha256(b"one").hexdigest()
    assert not UploadStore.open().has(found.files[0].sha256)  # nothing is kept by looking at it
    handed_in = found.keep()
    assert handed_in == {one.sha256 for one in found.files}
    for one, data in zip(found.files, (b"one", b"two", b"one"), strict=True):
        with UploadStore.open().read(one.sha256) as path:
            assert path.read_bytes() == data
    assert received_files(home, "shop", ids).keep() == frozenset()  # others need them too
    found.forget(home, handed_in)
    assert list((home.root / "incoming").rglob("bytes")) == []
    assert list((home.root / "uploads").iterdir()) == []
    again = received_files(home, "shop", ids)  # the same request once more
    assert again.files == found.files
    assert again.keep() == frozenset()


def test_names_that_are_alike_get_a_number(home):
    names = ["a.pdf", "a.pdf", "a (2).pdf", "folder/a.pdf", "a", "a"]
    found = received_files(home, "shop", [sent(home, name) for name in names]).files
    own = ["a.pdf", "a (2).pdf", "a (2) (2).pdf", "a (3).pdf", "a", "a (2)"]
    assert [one.name for one in found] == own


def test_what_is_not_there_is_not_kept(home):
    other = sent(home, "a.pdf", project="another")
    begun = IncomingUploads(home).begin("b.pdf", size_bytes=9, by="ada", project="shop")
    for upload_id, error in (
        (other, NotFoundError),
        (begun.upload_id, ConflictError),
        ("0" * 32, NotFoundError),
        ("../../etc/passwd", NotFoundError),
    ):
        with pytest.raises(error):
            received_files(home, "shop", [upload_id])
    with pytest.raises(InputError, match="at most 13,000"):
        received_files(home, "shop", [str(n) for n in range(MOST_FILES + 1)])
