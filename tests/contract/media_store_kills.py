"""kill -9 and races at the media store: writers, collectors, and both at every step of each other.

A test class inherits `MediaStoreKillContract` and supplies two fixtures: `open_storage`, which opens the same storage anew,
in a forked child too, and `steps`, the functions before and after which a process is killed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from resources.stores.media.store import MediaStore
from resources.stores.storage import Storage
from resources.stores.tables import TableStore
from tests.contract.media_store import (
    DAY,
    OTHER,
    OpenStorage,
    aged,
    assert_whole,
    claims,
    import_files,
    objects,
    publish,
    sha256_of,
)
from tests.contract.version_store import KEY, NOW
from tests.faults import Child, Target, count_steps, kill_at

SHARED = b"in every version" * 100


class Interposed:
    """A storage that does something else before its `turn`-th call."""

    def __init__(self, storage: Storage, turns: dict[int, list[Callable[[], Any]]]) -> None:
        self._storage = storage
        self._turns = turns
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if not callable(found) or name == "locate":
            return found

        def called(*args: Any, **kwargs: Any) -> Any:
            for act in self._turns.pop(self.calls, ()):
                act()
            self.calls += 1
            return found(*args, **kwargs)

        return called


@pytest.mark.kill
class MediaStoreKillContract:
    """kill -9 and races."""

    stride = 2
    """Take every so-manieth step: `after` one is `before` the next where nothing lies between."""
    collect_stride = 2
    race_stride = 1

    @pytest.fixture
    def open_storage(self) -> OpenStorage:
        raise NotImplementedError("the test class supplies the storage")

    @pytest.fixture
    def steps(self) -> list[Target]:
        raise NotImplementedError("the test class supplies the fault points")

    def test_killed_at_every_step_of_an_import_nothing_is_lost_or_doubled(
        self, open_storage: OpenStorage, steps: list[Target]
    ):
        storage = open_storage()
        import_files(storage, "warm", [SHARED, b"warm"])

        def body(run_id: str) -> Callable[[], None]:
            contents = [SHARED, run_id.encode() * 9000]
            return lambda: (import_files(open_storage(), run_id, contents), None)[1]

        names = count_steps(body("traced"), steps)
        assert len(names) >= 16
        for step, name in list(enumerate(names))[self.stride - 1 :: self.stride]:
            run_id = f"run-{step}"
            assert kill_at(body(run_id), steps, step).killed, f"step {step} ({name}) not reached"
            assert_whole(storage)
            import_files(storage, run_id, [SHARED, run_id.encode() * 9000], attempt=1)
            assert_whole(storage)
            found = TableStore(storage).item(KEY).versions()
            assert [v.run_id for v in found].count(run_id) == 1, f"retry after {name}"
            TableStore(storage).collect(KEY, keep=1, grace=NOW)
            MediaStore(storage).collect(NOW)
            assert_whole(storage)
            assert len(objects(storage)) == 2, f"leftovers of a kill {name}"
            assert len(claims(storage)) == 1
            assert storage.data_folders("media/writers") == {}

    def test_killed_at_every_step_of_a_collection_versions_stay_whole(
        self, open_storage: OpenStorage, steps: list[Target]
    ):
        storage = open_storage()
        import_files(storage, "run", [SHARED])

        def body() -> None:
            MediaStore(open_storage()).collect(NOW)

        sha256_of(storage, b"idle")
        names = count_steps(body, steps)
        assert len(names) >= 16
        for step in range(self.collect_stride - 1, len(names), self.collect_stride):
            sha256_of(storage, b"idle %d" % step)
            kill_at(body, steps, step)
            assert_whole(storage)
            import_files(storage, f"beside-{step}", [SHARED, b"idle %d" % step], OTHER)
            body()
            assert_whole(storage)
            assert_whole(storage, OTHER)
            TableStore(storage).collect(OTHER, keep=1, grace=NOW)
        body()
        assert len(objects(storage)) == 2
        assert [name[-5:] for name in storage.names("media/condemned")] == [".done"]

    def test_a_publish_at_every_step_of_a_collection_loses_nothing(self, open_storage: OpenStorage):
        """A writer begins and relies on an old object before one step, and publishes before another."""
        storage = open_storage()
        plain = Interposed(aged(open_storage())._storage, {})
        sha256_of(storage, b"counted")
        MediaStore(plain).collect(DAY)  # type: ignore[arg-type]
        assert plain.calls >= 15
        for begin in range(0, plain.calls, self.race_stride):
            for end in (begin, begin + 3, plain.calls + 1):
                self._race(open_storage, begin, end)

    def _race(self, open_storage: OpenStorage, begin: int, end: int) -> None:
        storage, run_id = open_storage(), f"run-{begin}-{end}"
        content = run_id.encode()
        sha256_of(storage, content)
        writer = MediaStore(storage).writer(KEY, run_id=run_id)
        kept: list[str] = []

        def start() -> None:
            writer.__enter__()
            kept.append(writer.keep(io.BytesIO(content)).sha256)

        def finish() -> None:
            publish(storage, KEY, run_id, kept, writer)
            writer.__exit__(None, None, None)

        turns: dict[int, list[Callable[[], Any]]] = {begin: [start]}
        turns.setdefault(end, []).append(finish)
        watched = Interposed(aged(open_storage())._storage, turns)
        MediaStore(watched).collect(DAY)  # type: ignore[arg-type]
        for left in list(turns.values()):  # later than the collection took
            for act in left:
                act()
        aged(open_storage()).collect(DAY)
        assert_whole(storage)
        TableStore(storage).collect(KEY, keep=1, grace=NOW)

    def test_writers_of_the_same_bytes_at_once_make_one_object(self, open_storage: OpenStorage):
        content = bytes(300_000)
        writers = [
            Child(lambda i=i: import_files(open_storage(), f"run-{i}", [content]).number)
            for i in range(4)
        ]
        outcomes = [writer.wait() for writer in writers]
        assert [outcome.status for outcome in outcomes] == [0] * 4
        assert sorted(outcome.answer for outcome in outcomes) == [1, 2, 3, 4]
        storage = open_storage()
        assert len(objects(storage)) == 1
        for number in range(1, 5):
            assert_whole(storage, KEY, number)
