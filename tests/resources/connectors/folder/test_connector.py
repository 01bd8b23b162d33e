from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import pytest

from resources.connectors.files.listing_progress import BEYOND, stopping_when
from resources.connectors.folder.connector import FolderConnector
from resources.kernel.errors import (
    ConnectorAuthError,
    InputError,
    NotFoundError,
    ParseError,
    SourceChangedError,
)
from tests.contract.file_connector import FileConnectorContract


class OutsideFolder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "landing"
    path.mkdir()
    return path


@pytest.fixture
def connector(root: Path) -> FolderConnector:
    return FolderConnector("lake", root)


@pytest.fixture
def outside(root: Path) -> OutsideFolder:
    return OutsideFolder(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"new content")
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside the root with a secret in it."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    (path / "secret.csv").write_text("secret")
    return path


def listed(connector: FolderConnector, pattern: str = "**") -> list[str]:
    return [item.key for item in connector.list_objects(pattern)]


class TestFolderContract(FileConnectorContract):
    """The suite of every file connector."""


class TestRoot:
    def test_a_relative_root_does_not_move_with_the_process(self, root, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        connector = FolderConnector("lake", Path("landing"))
        monkeypatch.chdir("/")
        assert connector.check().ok

    def test_a_root_that_is_a_symlink_is_fine(self, root, tmp_path, outside):
        (tmp_path / "link").symlink_to(root)
        outside.put("a/x.csv", b"1")
        connector = FolderConnector("lake", tmp_path / "link")
        assert listed(connector) == ["a/x.csv"]
        assert connector.stat("a/x.csv").size_bytes == 1

    def test_a_missing_root_is_an_error_and_no_empty_listing(self, tmp_path, source):
        connector = FolderConnector("lake", tmp_path / "gone")
        report = connector.check()
        assert not report.ok
        assert "gone" in report.detail
        assert "lake" in report.detail
        for attempt in (
            lambda: connector.list_objects("**"),
            lambda: connector.stat("x"),
            lambda: connector.put_file("x", source),
        ):
            with pytest.raises(NotFoundError, match="gone"):
                attempt()
        assert not (tmp_path / "gone").exists()

    def test_a_root_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        report = FolderConnector("lake", tmp_path / "file").check()
        assert not report.ok
        assert "not a folder" in report.detail


class TestNeverLeavesTheRoot:
    """T19, T40."""

    @pytest.mark.parametrize(
        "key",
        [
            "../elsewhere/secret.csv",
            "/etc/passwd",
            "a/../../elsewhere/secret.csv",
            "..",
            "",
            "a/./b",
        ],
    )
    def test_keys_that_climb(self, connector, elsewhere, key):
        with pytest.raises(InputError):
            connector.stat(key)

    def test_a_symlinked_file_that_leaves(self, connector, root, elsewhere, scratch_item, caplog):
        (root / "link.csv").symlink_to(elsewhere / "secret.csv")
        (root / "good.csv").touch()
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == ["good.csv"]
        assert "link.csv" in caplog.text
        assert "leaves the folder" in caplog.text
        with pytest.raises(InputError, match="leaves the folder"):
            connector.stat("link.csv")
        with pytest.raises(InputError, match="leaves the folder"):
            listed(connector, "link.csv")
        with (
            pytest.raises(InputError, match="leaves the folder"),
            connector.local_copy(scratch_item("link.csv"), root),
        ):
            pass

    def test_a_symlinked_folder_that_leaves(self, connector, root, elsewhere, source):
        (root / "out").symlink_to(elsewhere)
        assert listed(connector) == []
        with pytest.raises(InputError, match="leaves the folder"):
            listed(connector, "out/*.csv")
        with pytest.raises(InputError, match="leaves the folder"):
            connector.stat("out/secret.csv")
        for key in ("out/new.csv", "out/deep/new.csv", "out/secret.csv"):
            with pytest.raises(InputError, match="leaves the folder"):
                connector.put_file(key, source)
        assert sorted(path.name for path in elsewhere.iterdir()) == ["secret.csv"]
        assert (elsewhere / "secret.csv").read_text() == "secret"

    def test_put_over_a_symlink_replaces_the_symlink(self, connector, root, elsewhere, source):
        (root / "link.csv").symlink_to(elsewhere / "secret.csv")
        connector.put_file("link.csv", source)
        assert (elsewhere / "secret.csv").read_text() == "secret"
        assert (root / "link.csv").read_bytes() == source.read_bytes()

    def test_symlinks_that_stay_inside(self, connector, root, outside, tmp_path):
        outside.put("real/x.csv", b"1")
        (root / "link.csv").symlink_to("real/x.csv")
        (root / "folder").symlink_to("real")
        assert listed(connector) == ["link.csv", "real/x.csv"]  # nothing twice through a wildcard
        assert listed(connector, "folder/*.csv") == ["folder/x.csv"]
        assert connector.stat("link.csv").etag == connector.stat("real/x.csv").etag
        with connector.local_copy(connector.stat("link.csv"), tmp_path) as path:
            assert path.read_bytes() == b"1"

    def test_loops_and_dangling_symlinks_end(self, connector, root, source):
        (root / "a").mkdir()
        (root / "a" / "loop").symlink_to("..")
        (root / "self").symlink_to("self")
        (root / "nowhere").symlink_to("gone")
        (root / "x.csv").touch()
        assert listed(connector) == ["x.csv"]
        for key in ("self/x.csv", "nowhere/x.csv"):
            with pytest.raises(InputError):
                connector.put_file(key, source)

    def test_what_is_no_regular_file_is_no_object(self, connector, root, caplog):
        os.mkfifo(root / "pipe.csv")
        (root / "folder.csv").mkdir()
        (root / "pipelink.csv").symlink_to("pipe.csv")
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == []
        assert "not a regular file" in caplog.text
        for key in ("pipe.csv", "folder.csv", "pipelink.csv"):
            with pytest.raises(NotFoundError):
                connector.stat(key)

    def test_a_name_that_is_no_unicode_is_left_out(self, connector, root, caplog):
        try:
            (Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.csv"))).touch()
        except OSError:
            pytest.skip("this file system takes Unicode names only")
        (root / "x.csv").touch()
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == ["x.csv"]
        assert "Unicode" in caplog.text

    def test_one_warning_however_many_are_left_out(self, connector, root, caplog):
        for i in range(200):
            (root / f"{i}\n.csv").symlink_to("/etc/hostname")
        with caplog.at_level(logging.WARNING):
            assert listed(connector) == []
        (record,) = caplog.records
        assert "200 entries" in record.getMessage()
        assert "\n" not in record.getMessage()
        assert len(record.getMessage()) < 2_000


@pytest.fixture
def scratch_item():
    from datetime import UTC, datetime

    from resources.kernel.records import ObjectInfo

    return lambda key: ObjectInfo(key, 6, "0-0-0", datetime.now(UTC))


class TestReading:
    def test_the_file_itself_is_handed_out(self, connector, root, outside, tmp_path):
        outside.put("x.csv", b"1")
        with connector.local_copy(connector.stat("x.csv"), tmp_path / "scratch") as path:
            assert path.samefile(root / "x.csv")
        assert not (tmp_path / "scratch").exists()

    @pytest.mark.parametrize(
        "change", ["append", "rewrite", "replace", "truncate", "delete", "touch"]
    )
    def test_changed_while_it_was_read(self, connector, root, outside, tmp_path, change):
        outside.put("x.csv", b"123456")
        path = root / "x.csv"
        os.utime(path, ns=(0, 1_000))
        changes = {
            "append": lambda: path.write_bytes(b"1234567"),
            "rewrite": lambda: path.write_bytes(b"654321"),
            "replace": lambda: outside.put("x.csv", b"654321"),
            "truncate": lambda: path.write_bytes(b""),
            "delete": path.unlink,
            "touch": lambda: os.utime(path),
        }
        expected = NotFoundError if change == "delete" else SourceChangedError
        with (
            pytest.raises(expected, match=r"x\.csv"),
            connector.local_copy(connector.stat("x.csv"), tmp_path),
        ):
            changes[change]()

    def test_the_same_size_and_time_in_another_file(self, connector, root, outside, tmp_path):
        outside.put("x.csv", b"123456")
        outside.put("y.csv", b"654321")
        for key in ("x.csv", "y.csv"):
            os.utime(root / key, ns=(0, 1_000))
        with (
            pytest.raises(SourceChangedError),
            connector.local_copy(connector.stat("x.csv"), tmp_path),
        ):
            (root / "y.csv").rename(root / "x.csv")

    def test_the_change_is_reported_and_not_what_the_reader_stumbled_over(
        self, connector, root, outside, tmp_path
    ):
        outside.put("x.csv", b"123456")
        with (  # noqa: PT012 - the reader fails inside
            pytest.raises(SourceChangedError) as caught,
            connector.local_copy(connector.stat("x.csv"), tmp_path),
        ):
            (root / "x.csv").write_bytes(b"12")
            raise ParseError("ragged", file="x.csv", line=2)
        assert isinstance(caught.value.__cause__, ParseError)

    def test_an_error_about_an_unchanged_file_stays(self, connector, outside, tmp_path):
        outside.put("x.csv", b"123456")
        with pytest.raises(ParseError), connector.local_copy(connector.stat("x.csv"), tmp_path):
            raise ParseError("ragged", file="x.csv", line=2)

    @pytest.mark.parametrize(
        "stamp", [-(2**33), 0, 2**33, 253_402_300_800], ids=["1697", "1970", "2242", "10000"]
    )
    def test_any_time_that_a_disk_holds(self, connector, root, outside, stamp):
        outside.put("x.csv", b"1")
        try:
            os.utime(root / "x.csv", (stamp, stamp))
        except (OSError, OverflowError):
            pytest.skip("this file system cannot hold the time")
        assert 1 <= connector.stat("x.csv").modified_at.year <= 9999


def _as_nobody(action):
    """Runs `action` without root's rights to everything."""
    if os.geteuid() != 0:
        return action()
    os.seteuid(65534)
    try:
        return action()
    finally:
        os.seteuid(0)


class TestRefusedBySystem:
    """E7, E58."""

    @pytest.fixture
    def root(self):
        """A root that another user can reach: pytest's own folders are closed."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            path = Path(folder, "landing")
            path.mkdir()
            yield path

    def test_a_folder_that_may_not_be_listed(self, connector, root, outside):
        outside.put("closed/x.csv", b"1")
        (root / "closed").chmod(0)
        with pytest.raises(ConnectorAuthError) as caught:
            _as_nobody(lambda: listed(connector))
        (root / "closed").chmod(0o755)
        for part in ("lake", str(root / "closed"), "Permission denied", "uid"):
            assert part in str(caught.value)

    def test_a_root_that_may_not_be_listed(self, connector, root):
        root.chmod(0)
        report = _as_nobody(connector.check)
        root.chmod(0o755)
        assert not report.ok
        assert "Permission denied" in report.detail

    def test_a_folder_that_may_not_be_written(self, connector, root, outside, source):
        outside.put("x.csv", b"old")
        root.chmod(0o555)
        if os.geteuid() == 0:
            assert _as_nobody(connector.check).facts["writable"] == "no"
        with pytest.raises(ConnectorAuthError, match=r"x\.csv"):
            _as_nobody(lambda: connector.put_file("x.csv", source))
        root.chmod(0o755)
        assert (root / "x.csv").read_bytes() == b"old"

    @pytest.mark.parametrize(
        "key", ["folder", "file/below", "x" * 300], ids=["folder", "file", "long name"]
    )
    def test_something_in_the_way(self, connector, root, source, key):
        (root / "folder").mkdir()
        (root / "file").touch()
        with pytest.raises(InputError) as caught:
            connector.put_file(key, source)
        assert len(str(caught.value)) <= 500
        assert sorted(path.name for path in root.iterdir()) == ["file", "folder"]


def test_only_the_folders_that_can_match_are_read(connector, root, outside, monkeypatch):
    for folder in ("flights", "flights/2013", "flights/2014", "other/deep"):
        outside.put(f"{folder}/x.csv", b"1")
    seen = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (seen.append(str(path)), scandir(path))[1])
    assert listed(connector, "flights/2013*/x.csv") == ["flights/2013/x.csv"]
    assert [Path(path).name for path in seen] == ["flights", "2013"]


def test_a_deep_tree(connector, root):
    folder = os.open(root, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("x.csv", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    assert listed(connector, "**/*.csv") == ["d/" * 200 + "x.csv"]


class TestCheckAndBrowse:
    def test_the_step_that_failed_is_the_last(self, tmp_path):
        report = FolderConnector("lake", tmp_path / "gone").check()
        assert [(step.name, step.ok) for step in report.steps] == [("folder", False)]
        assert str(tmp_path / "gone") in report.steps[-1].detail
        (tmp_path / "file").touch()
        report = FolderConnector("lake", tmp_path / "file").check()
        assert "is not a folder" in report.steps[-1].detail

    def test_what_cannot_be_an_object_is_left_out_and_not_counted(
        self, connector, outside, root, elsewhere
    ):
        outside.put("inside/1.csv", b"x")
        (root / "a-way-out").symlink_to(elsewhere)
        (root / "b-linked").symlink_to(root / "inside")
        (root / "c-dangling").symlink_to(root / "gone")
        os.mkfifo(root / "d-pipe")
        (root / "empty").mkdir()
        outside.put("z.csv", b"x")
        expected = ["b-linked/", "empty/", "inside/", "z.csv"]
        assert [entry.path for entry in connector.browse(limit=4)] == expected
        assert [entry.path for entry in connector.browse("b-linked")] == ["b-linked/1.csv"]
        assert list(connector.browse("empty")) == []
        with pytest.raises(InputError, match="leaves the folder"):
            list(connector.browse("a-way-out"))

    def test_a_listing_says_after_each_folder_how_far_it_came(self, connector, outside):
        for key in ("a/1.txt", "b/c/2.txt", "b/d/3.txt", "e.txt"):
            outside.put(key, b"x")
        heard: list[str] = []
        with stopping_when(lambda key: heard.append(key) or False):
            assert list(connector.list_objects("**/*.csv")) == []
        assert heard == [folder + BEYOND for folder in ("a/", "b/c/", "b/d/", "b/")]
