"""What kept uploads promise in every kind of store: whole or not there, once each, there until nobody wants them.

An implementation's test class inherits `KeptUploadsContract` and supplies `open_store`, which opens the same store anew, and
`cut`, a context in which the store fails after so many calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from resources.kernel.errors import GoneError, IntegrityError, WaybillError
from resources.kernel.records import StoredVersion
from resources.sources.spec import SourceSpec
from resources.sources.uploads import open_upload
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.versions import VersionStore

Open = Callable[[], VersionStore]
Cut = Callable[[int], AbstractContextManager[None]]
DATA = b"id\n1\n" * 1000
MANY = 40


def assert_whole(uploads: KeptUploads, number: int, dataset: str = "sales") -> None:
    for upload in uploads.all(dataset):
        for file in upload.files:
            with uploads.local_file(upload, file.name) as path:
                assert path.read_bytes()[1:] == DATA
    newest = uploads.newest(dataset)
    assert (newest.number if newest else 0) == number


class KeptUploadsContract:
    """Uploads of one store."""

    cut_stride = 1

    @pytest.fixture
    def open_store(self) -> Open:
        raise NotImplementedError("the implementation's test class supplies the store")

    @pytest.fixture
    def cut(self) -> Cut:
        raise NotImplementedError("the implementation's test class supplies a store that fails")

    @pytest.fixture
    def uploads(self, open_store: Open) -> KeptUploads:
        return KeptUploads(open_store())

    @pytest.fixture
    def given(self, tmp_path: Path) -> list[GivenFile]:
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(name.encode() + DATA)
        return [GivenFile(f"{name}.csv", tmp_path / name, may_link=True) for name in ("a", "b")]

    def test_the_same_order_again_is_the_same_upload(
        self, uploads: KeptUploads, given: list[GivenFile]
    ):
        for upload_id in ("one", "one", "two"):
            uploads.keep("sales", given, upload_id=upload_id, by="ada")
        assert_whole(uploads, 2)
        newest = uploads.newest("sales")
        assert newest is not None
        assert ([file.name for file in newest.files], newest.by) == (["a.csv", "b.csv"], "ada")
        assert given[0].path.read_bytes() == b"a" + DATA  # a link of it was moved, not itself

    def test_many_files_of_one_name_are_one_table(
        self, uploads: KeptUploads, open_store: Open, tmp_path: Path
    ):
        files = []
        for number in range(MANY):
            path = tmp_path / f"given-{number}"
            path.write_bytes(b"id\n%d\n" % number)
            files.append(GivenFile("day.csv", path))
        uploads.keep("sales", files, upload_id="one", by="ada")
        spec = SourceSpec("sales", connector="", upload=True)
        with open_upload(open_store(), spec).held() as source, source.open_streams() as open_stream:
            rows = [row["id"] for batch in open_stream().batches for row in batch.to_pylist()]
        assert sorted(rows) == list(range(MANY))

    def test_what_was_imported_goes_and_what_came_after_stays(
        self, uploads: KeptUploads, given: list[GivenFile]
    ):
        for number in range(1, 4):
            uploads.keep("sales", given, upload_id=f"upload-{number}", by="ada")
        uploads.release("sales", imported=2, keep=1)
        assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [True, True, False]
        uploads.release("sales", imported=2, keep=0)
        assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [True, False, False]
        with (
            pytest.raises(GoneError, match=r"upload 2 .* not kept any longer"),
            uploads.local_file(uploads.all("sales")[1], "a.csv"),
        ):
            pass

    def test_all_that_was_uploaded_can_be_forgotten(
        self, uploads: KeptUploads, given: list[GivenFile]
    ):
        uploads.forget("sales")  # nothing there is fine
        uploads.keep("sales", given, upload_id="one", by="ada")
        uploads.forget("sales")
        assert [uploads.has_bytes(one) for one in uploads.all("sales")] == [False]

    def test_bytes_that_rot_are_told(
        self,
        uploads: KeptUploads,
        given: list[GivenFile],
        rot: Callable[[StoredVersion], None],
    ):
        upload = uploads.keep("sales", given, upload_id="one", by="ada")
        rot(upload.version)
        with pytest.raises(IntegrityError, match="SHA-256"), uploads.local_file(upload, "a.csv"):
            pass
        with uploads.local_file(upload, "b.csv") as path:
            assert path.read_bytes() == b"b" + DATA

    def test_a_hash_that_is_known_is_taken_and_proven_by_whoever_reads(
        self, uploads: KeptUploads, given: list[GivenFile]
    ):
        true = hashlib.sha256(given[0].path.read_bytes()).hexdigest()
        told = [replace(given[0], sha256=true), replace(given[1], sha256="0" * 64)]
        upload = uploads.keep("sales", told, upload_id="one", by="ada")
        assert [file.sha256 for file in upload.files] == [true, "0" * 64]
        with uploads.local_file(upload, "a.csv") as path:
            assert path.read_bytes() == given[0].path.read_bytes()
        with pytest.raises(IntegrityError, match="SHA-256"), uploads.local_file(upload, "b.csv"):
            pass

    def test_a_store_that_fails_anywhere_keeps_nothing_and_the_next_try_all(
        self, uploads: KeptUploads, open_store: Open, given: list[GivenFile], cut: Cut
    ):
        for step in range(0, 100, self.cut_stride):
            dataset = f"sales_{step}"
            try:
                with cut(step):
                    KeptUploads(open_store()).keep(dataset, given, upload_id="one", by="ada")
            except WaybillError:
                pass
            else:
                return  # it has not so many calls
            # Whole or not there; the answer to the last call may be what was lost.
            assert_whole(uploads, len(uploads.all(dataset)), dataset)
            uploads.keep(dataset, given, upload_id="one", by="ada")
            assert_whole(uploads, 1, dataset)
        raise AssertionError("it never came through")
