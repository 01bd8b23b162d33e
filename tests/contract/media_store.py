"""What the media store promises, whatever it lies on.

A test class inherits `MediaStoreContract` and `MediaStoreFaultContract` and supplies two fixtures: `open_storage`, which opens the same storage anew, in a
forked child too, and `rot`, which changes a stored file behind its back. `media_store_kills.py` has kills and races.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from resources.kernel.errors import GoneError, InputError, IntegrityError, NotFoundError
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.media import writer as writer_module
from resources.stores.media.names import MediaObject, parse_name
from resources.stores.media.store import MediaStore
from resources.stores.storage import Storage
from resources.stores.tables import TableStore
from tests.contract.version_store import KEY, NOW

OTHER = ("datasets", "faces")
DAY = timedelta(days=1)
A, B, C = b"a picture", b"b" * 70_000, b""
OpenStorage = Callable[[], Storage]
Rot = Callable[[str, Callable[[bytes], bytes]], None]


def import_files(
    storage: Storage, run_id: str, contents: Sequence[bytes], key=KEY, attempt: int = 0
) -> StoredVersion:
    """A version whose rows refer to objects with these bytes, as a collection will do it."""
    with MediaStore(storage).writer(key, run_id=run_id, attempt=attempt) as writer:
        hashes = [writer.keep(io.BytesIO(content)).sha256 for content in contents]
        return publish(storage, key, run_id, hashes, writer, attempt)


def publish(storage, key, run_id, hashes, writer, attempt=0) -> StoredVersion:
    table = pa.table({"n": range(len(hashes)), "sha256": pa.array(hashes, pa.string())})
    return TableStore(storage).write_stream(
        key,
        lambda: BatchStream(table.schema, iter(table.to_batches())),
        run_id=run_id,
        attempt=attempt,
        properties=lambda _: writer.claim(),
    )


def assert_whole(storage: Storage, key=KEY, version: int | None = None) -> None:
    """Every object that the rows refer to is there, byte for byte, and is claimed."""
    media, table = MediaStore(storage), TableStore(storage).read(key, version)
    hashes = table.to_table()["sha256"].to_pylist()
    for sha256 in hashes:
        with media.local_file(sha256):
            pass
    with media.objects_of(key, table.version) as claimed:
        assert list(claimed) == sorted(set(hashes))


def objects(storage: Storage) -> list[str]:
    """Names of all objects, in order."""
    folders = storage.folders("media/objects")
    return sorted(name for f in folders for name in storage.names(f"media/objects/{f}"))


def claims(storage: Storage, key=KEY) -> list[str]:
    return storage.names(f"media/claims/{'~'.join(key)}")


def sha256_of(storage: Storage, content: bytes) -> str:
    """Keeps bytes that no version names; their hash."""
    with MediaStore(storage).writer(KEY, run_id="unnamed") as writer:
        return writer.keep(io.BytesIO(content)).sha256


def aged(storage: Storage) -> MediaStore:
    """The store as it will be in ten days, but for writers at work."""
    listing = storage.listing

    def old(folder: str, prefix: str = "") -> list[Any]:
        return [
            replace(file, modified_at=file.modified_at - 10 * DAY)
            for file in listing(folder, prefix)
        ]

    storage.listing = old  # type: ignore[method-assign]
    return MediaStore(storage)


class _Fixtures:
    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        raise NotImplementedError("the test class supplies the storage")

    @pytest.fixture
    def rot(self) -> Rot:
        raise NotImplementedError("the test class supplies the damage")

    @pytest.fixture
    def storage(self, open_storage: OpenStorage) -> Storage:
        return open_storage()

    @pytest.fixture
    def media(self, storage: Storage) -> MediaStore:
        return MediaStore(storage)


class MediaStoreContract(_Fixtures):
    """Keeping, reading, versions, collecting."""

    def test_what_is_kept_is_read_back_whole_and_in_parts(
        self, open_storage: OpenStorage, tmp_path: Path
    ):
        file = tmp_path / "b.bin"
        file.write_bytes(B)
        with MediaStore(open_storage()).writer(KEY, run_id="run-1") as writer:
            kept = [writer.keep(io.BytesIO(A)), writer.keep(file), writer.keep(io.BytesIO(C))]
        media = MediaStore(open_storage())
        for content, one in zip((A, B, C), kept, strict=True):
            assert one.size_bytes == len(content)
            assert media.find(one.sha256) == one
            with media.read(one.sha256) as stream:
                assert stream.read() == content
            for start, length in ((0, 3), (4, 10**9), (len(content), 1), (0, 0)):
                expected = content[start : start + length]
                assert media.read_range(one.sha256, start, length) == expected

    def test_what_is_not_there(self, media: MediaStore):
        nothing = "0" * 64
        assert media.find(nothing) is None
        with pytest.raises(NotFoundError, match="The object 000000000000 is not in"):
            media.read_range(nothing, 0, 1)
        with pytest.raises(NotFoundError), media.read(nothing):
            pass
        for text in ("", "../x", "A" * 64, "0" * 63, f"{nothing}\n"):
            with pytest.raises(InputError, match="is no SHA-256"):
                media.find(text)
        with pytest.raises(InputError, match="run id"):
            media.writer(KEY, run_id="../x")
        assert media.collect(NOW).removed_objects == 0

    def test_the_same_bytes_are_one_object_whoever_keeps_them(self, storage: Storage):
        first = import_files(storage, "run-1", [A, B, A])
        there = storage.listing(f"media/objects/{objects(storage)[0][:2]}")
        import_files(storage, "run-2", [B, A])
        import_files(storage, "run-3", [A], OTHER)
        assert len(objects(storage)) == 2
        assert storage.listing(f"media/objects/{objects(storage)[0][:2]}") == there
        assert first.properties["media"]["objects"] == 2
        assert first.properties["media"]["size_bytes"] == len(A) + len(B)
        for key in (KEY, OTHER):
            assert_whole(storage, key)

    def test_known_objects_are_counted_without_their_bytes(self, storage: Storage):
        import_files(storage, "run-1", [A, B])
        listed = []
        listing = storage.listing
        storage.listing = lambda *given: (listed.append(given), listing(*given))[1]
        hashes = TableStore(storage).read(KEY).to_table()["sha256"].to_pylist()
        with MediaStore(storage).writer(KEY, run_id="run-2") as writer:
            assert [writer.keep_known(sha256).size_bytes for sha256 in hashes] == [len(A), len(B)]
            assert writer.keep_known("0" * 64) is None
            assert all(writer.keep_known(sha256) for sha256 in hashes)
            assert len(listed) == 3, "each folder of objects once"
            publish(storage, KEY, "run-2", hashes, writer)
        assert_whole(storage)

    def test_collection_removes_what_no_kept_version_needs(self, storage: Storage):
        import_files(storage, "run-1", [A, B])
        import_files(storage, "run-2", [B, C])
        import_files(storage, "run-3", [C], OTHER)
        assert MediaStore(storage).collect(NOW).removed_objects == 0
        TableStore(storage).collect(KEY, keep=1, grace=NOW)
        assert MediaStore(storage).collect().removed_objects == 0, "all are young"
        report = MediaStore(storage).collect(NOW)
        assert (report.removed_objects, report.freed_bytes) == (1, len(A))
        assert len(objects(storage)) == 2
        for key in (KEY, OTHER):
            assert_whole(storage, key)
            assert len(claims(storage, key)) == 1
        assert storage.names("media/condemned") == [f"{1:020d}.done"]
        assert MediaStore(storage).collect(NOW).removed_objects == 0

    def test_what_was_removed_can_be_kept_again(self, storage: Storage):
        sha256 = sha256_of(storage, A)
        assert MediaStore(storage).collect(NOW).removed_objects == 1
        with pytest.raises(NotFoundError), MediaStore(storage).read(sha256):
            pass
        import_files(storage, "run-1", [A])
        assert objects(storage) == [f"{sha256}-000001"], "a name that was removed never comes again"
        assert_whole(storage)


class MediaStoreFaultContract(_Fixtures):
    """Writers and collections beside each other; damage; what fails."""

    def test_a_source_that_fails_leaves_nothing(self, storage: Storage, tmp_path: Path):
        class Cut(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise ConnectionResetError("cut off")

        with MediaStore(storage).writer(KEY, run_id="run-1") as writer:
            with pytest.raises(ConnectionResetError, match="cut off"):
                writer.keep(Cut())
            with pytest.raises(InputError, match="cannot be read"):
                writer.keep(tmp_path / "absent")
            assert list(writer._staging.iterdir()) == []
        assert objects(storage) == []
        assert storage.data_folders("media/writers") == {}

    def test_a_writer_at_work_keeps_what_it_relies_on(self, open_storage: OpenStorage):
        """The object is old and named by nobody when the collection looks; its list waits for the writer."""
        storage, later = open_storage(), aged(open_storage())
        sha256 = sha256_of(storage, A)
        with MediaStore(storage).writer(KEY, run_id="slow") as slow:
            slow.keep_known(sha256)
            for _ in range(2):
                report = later.collect(DAY)
                assert (report.removed_objects, report.waiting_objects) == (0, 1)
            import_files(storage, "quick", [A], OTHER)
            assert objects(storage) == [f"{sha256}-000000", f"{sha256}-000001"]
            publish(storage, KEY, "slow", [sha256], slow)
        report = later.collect(DAY)
        assert (report.removed_objects, report.waiting_objects) == (0, 0)
        for key in (KEY, OTHER):
            assert_whole(storage, key)
            TableStore(storage).item(key)._log.remove(1)
        assert later.collect(DAY).removed_objects == 2

    def test_what_waited_for_a_writer_goes_when_it_has_ended(self, open_storage: OpenStorage):
        storage, later = open_storage(), aged(open_storage())
        sha256 = sha256_of(storage, A)
        with MediaStore(storage).writer(KEY, run_id="idle"):
            assert later.collect(DAY).waiting_objects == 1
            with MediaStore(storage).writer(KEY, run_id="knows-the-list"):
                pass
        with MediaStore(storage).writer(KEY, run_id="newer") as newer:
            assert newer.keep_known(sha256) is None
            assert later.collect(DAY).removed_objects == 1
        assert objects(storage) == []

    def test_a_writer_taken_for_dead_publishes_nothing(self, storage: Storage):
        sha256 = sha256_of(storage, A)
        with MediaStore(storage).writer(KEY, run_id="run-1") as writer:
            writer.keep_known(sha256)
            assert MediaStore(storage).collect(NOW).removed_objects == 1
            with pytest.raises(GoneError, match=r"took the writer run-1-0-.* for dead"):
                publish(storage, KEY, "run-1", [sha256], writer)
        assert TableStore(storage).item(KEY).numbers() == []

    def test_a_writer_that_shows_life_is_not_taken_for_dead(
        self, open_storage: OpenStorage, monkeypatch
    ):
        storage, later = open_storage(), open_storage()
        marks = later.data_folders

        def seen_later(path: str) -> dict[str, datetime]:
            """Marks are ten days old, but for those beside a sign of life."""
            alive = {
                n: any("alive" in file for file in later.names(f"{path}/{n}")) for n in marks(path)
            }
            return {n: at - (0 if alive[n] else 10) * DAY for n, at in marks(path).items()}

        later.data_folders = seen_later  # type: ignore[method-assign]
        monkeypatch.setattr(writer_module, "SIGN_SECONDS", 0.0)
        with MediaStore(storage).writer(KEY, run_id="long") as writer:
            sha256 = writer.keep(io.BytesIO(A)).sha256
            MediaStore(later).collect(DAY)
            publish(storage, KEY, "long", [sha256], writer)
        assert_whole(storage)

    def test_what_others_need_stays(self, storage: Storage):
        kept, idle = sha256_of(storage, A), sha256_of(storage, B)
        asked: list[frozenset[str]] = []

        def needed() -> frozenset[str]:
            """One of them was begun to be needed only after it was condemned."""
            asked.append(frozenset({kept, *([idle] if asked else [])}))
            return asked[-1]

        assert MediaStore(storage).collect(NOW, needed=needed).removed_objects == 0
        assert (len(asked), len(objects(storage))) == (2, 2)
        assert MediaStore(storage).collect(NOW, needed=lambda: {kept}).removed_objects == 1
        assert MediaStore(storage).find(kept) is not None

    def test_bit_rot_is_named_and_mended(self, storage: Storage, rot: Rot):
        """E53."""
        import_files(storage, "run-1", [A, B])
        media = MediaStore(storage)
        sha256 = next(name for name in map(parse_name, objects(storage)) if name)[0]
        content = next(one for one in (A, B) if _is(one, sha256))
        path = media.find(sha256).path
        rot(path, lambda data: b"x" + data[1:])
        with pytest.raises(IntegrityError, match="is damaged: its SHA-256"), media.read(sha256):
            pass
        with media.writer(KEY, run_id="run-2") as writer:
            writer.keep(io.BytesIO(content), verify=True)
        assert_whole(storage)
        rot(path, lambda data: data[:-1])
        found = rf"is damaged: {len(content) - 1} of {len(content)} bytes|SHA-256 differs"
        with pytest.raises(IntegrityError, match=found), media.read(sha256):
            pass
        with media.writer(KEY, run_id="run-3") as writer:
            writer.keep(io.BytesIO(content))
        assert_whole(storage)
        assert len(objects(storage)) == 2

    @pytest.mark.parametrize("harm", ["changed", "gone"])
    def test_while_a_claim_is_damaged_nothing_is_removed(self, storage: Storage, rot: Rot, harm):
        import_files(storage, "run-1", [A])
        import_files(storage, "run-2", [A])
        sha256_of(storage, B)
        path = f"media/claims/{'~'.join(KEY)}/{min(claims(storage))}"
        if harm == "gone":
            storage.remove(path)
        else:
            rot(path, lambda data: data[:70] + b"f" + data[71:])
        with pytest.raises(IntegrityError, match=r"The list of objects .* is (missing|damaged)"):
            MediaStore(storage).collect(NOW)
        assert len(objects(storage)) == 2

    def test_beside_a_damaged_manifest_its_claims_count(self, storage: Storage, rot: Rot):
        import_files(storage, "run-1", [A])
        import_files(storage, "run-2", [B])
        rot(f"{'/'.join(KEY)}/v/{1:020d}.json", lambda data: data[:40])
        assert MediaStore(storage).collect(NOW).removed_objects == 0
        assert len(objects(storage)) == 2

    def test_a_damaged_list_of_names_stops_writers_and_collections(
        self, open_storage: OpenStorage, rot: Rot
    ):
        storage, later = open_storage(), aged(open_storage())
        sha256_of(storage, A)
        with MediaStore(storage).writer(KEY, run_id="idle"):
            later.collect(DAY)
        rot(f"media/condemned/{1:020d}.names", lambda data: data[:-30])
        with pytest.raises(IntegrityError, match="its last line does not fit"):
            later.collect(DAY)
        with pytest.raises(IntegrityError, match="its last line does not fit"):
            import_files(storage, "run-1", [A])
        assert len(objects(storage)) == 1
        assert storage.data_folders("media/writers") == {}

    def test_what_is_no_object_is_left_alone(self, storage: Storage):
        sha256 = sha256_of(storage, A)
        assert storage.create(f"media/objects/{sha256[:2]}/README.txt", b"mine")
        assert MediaStore(storage).collect(NOW).removed_objects == 1
        assert objects(storage) == ["README.txt"]

    def test_a_claim_is_the_size_of_its_names_and_holds_a_thousand(self, storage: Storage):
        """Without objects: what a version of many costs is its list."""
        with MediaStore(storage).writer(KEY, run_id="run-1") as writer:
            for n in range(1000):
                writer._hold(MediaObject(f"{n:064x}", 7, f"{n:064x}-000000"))
            publish(storage, KEY, "run-1", [], writer)
        media = MediaStore(storage)
        version = TableStore(storage).read(KEY).version
        with media.objects_of(KEY, version) as hashes:
            assert list(hashes) == [f"{n:064x}" for n in range(1000)]
        (claim,) = storage.listing(f"media/claims/{'~'.join(KEY)}")
        assert claim.size_bytes == 72_000
        assert version.properties["media"]["size_bytes"] == 7000


def _is(content: bytes, sha256: str) -> bool:
    import hashlib

    return hashlib.sha256(content).hexdigest() == sha256
