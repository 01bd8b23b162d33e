"""Files of a task brought here whole, from servers as they are: in their order, each with its own refusal."""

import hashlib

import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.import_tasks.definition import (
    ConnectorSource,
    UploadedFile,
    UploadSource,
    WebSource,
)
from resources.import_tasks.items import TaskItem
from resources.kernel.errors import InputError, UnknownNameError
from resources.sources.whole_files import BroughtFile, RefusedFile, take_files, whole_files
from resources.stores.uploads import UploadStore
from tests.resources.connectors.ftp import accounts as ftp
from tests.resources.connectors.s3 import bucket as s3
from tests.resources.connectors.sftp import accounts as sftp
from tests.servers.ftp import running_ftp
from tests.servers.sftp import sftp_apart

CONTENT = {f"in/{name}.csv": f"id\n{name}\n".encode() for name in "abc"}


@pytest.fixture(scope="module")
def ftp_place(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole-ftp")
    filled(root)
    with running_ftp(root) as server:
        yield server


@pytest.fixture(scope="module")
def sftp_place(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole-sftp")
    filled(root)
    with sftp_apart(root) as server:
        yield server


@pytest.fixture(params=["folder", "s3", "ftp", "sftp"])
def connector(request, tmp_path):
    if request.param == "folder":
        filled(tmp_path)
        return FolderConnector("landing", tmp_path)
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        bucket = server.new_bucket()
        for key, data in CONTENT.items():
            server.client.put_object(Bucket=bucket, Key=key, Body=data)
        return s3.connect(server.url, bucket)
    server = request.getfixturevalue(f"{request.param}_place")
    return (ftp if request.param == "ftp" else sftp).connect(server)


def filled(root):
    (root / "in").mkdir()
    for key, data in CONTENT.items():
        (root / key).write_bytes(data)


def items_of(files):
    return [
        TaskItem(number, one.name, one.reference, "pending", handle=one.handle)
        for number, one in enumerate(files.items.list(), 1)
    ]


def taken(source, connectors, tmp_path, check=lambda: None):
    scratch, own = tmp_path / "scratch", tmp_path / "own"
    for folder in (scratch, own):
        folder.mkdir()
    files = whole_files(source, connectors, UploadStore(tmp_path / "uploads"), scratch)
    return list(take_files(files, items_of(files), own, check))


def test_objects_of_every_kind_of_place_come_in_their_order(connector, tmp_path):
    keys = (*CONTENT, "in/gone.csv")
    found = taken(ConnectorSource("it", "in/*.csv", keys), {"it": connector}, tmp_path)
    assert [one.item.name for one in found] == list(keys)
    *here, gone = found
    for one in here:
        assert isinstance(one, BroughtFile)
        data = CONTENT[one.item.name]
        assert (one.path.read_bytes(), one.size) == (data, len(data))
        assert one.sha256 == hashlib.sha256(data).hexdigest()
    assert isinstance(gone, RefusedFile)
    assert gone.error.rule == "not_found"


def test_what_was_taken_does_not_change_with_the_file_it_came_from(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.csv").write_bytes(b"id\n1\n")
    place = {"it": FolderConnector("it", root)}
    (one,) = taken(ConnectorSource("it", "*.csv"), place, tmp_path)
    with (root / "a.csv").open("r+b") as file:
        file.write(b"XX")
    assert one.path.read_bytes() == b"id\n1\n"


def test_uploads_are_taken_without_a_copy_and_one_that_is_gone_is_refused(tmp_path):
    uploads = UploadStore(tmp_path / "uploads")
    (tmp_path / "given").write_bytes(b"id\n1\n")
    kept = uploads.stage(tmp_path / "given", limit=100)
    source = UploadSource(
        (UploadedFile(kept.sha256, "a.csv", 5), UploadedFile("0" * 64, "b.csv", 5))
    )
    here, gone = taken(source, {}, tmp_path)
    assert here.path.samefile(tmp_path / "uploads" / kept.sha256)
    assert gone.error.rule == "upload_gone"


def test_a_stop_ends_it_between_two_files(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for number in range(5):
        (root / f"{number}.csv").write_bytes(b"id\n")
    seen = []

    def check():
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt

    place = {"it": FolderConnector("it", root)}
    with pytest.raises(KeyboardInterrupt):
        taken(ConnectorSource("it", "*.csv"), place, tmp_path, check)
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        (WebSource(("https://example.org/",)), InputError, "collection"),
        (ConnectorSource("nope", "*"), UnknownNameError, "nope"),
    ],
)
def test_other_sources_are_refused(tmp_path, source, error, said):
    with pytest.raises(error, match=said):
        taken(source, {}, tmp_path)
