import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestration.services.record_files import KeptAnswers


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "index.db"
    path.write_bytes(b"1")
    written(path, seconds_ago=60)
    return path


def written(path, *, seconds_ago):
    moment = time.time() - seconds_ago
    os.utime(path, (moment, moment))


def test_an_answer_is_made_once_until_the_file_changes(file):
    kept, made, basis = KeptAnswers([file]), [], object()

    def read():
        made.append(len(made))
        return made[-1]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: kept.get("a", basis, read), range(40))) == {0}
    assert kept.get("b", basis, read) == 1
    assert kept.get("a", object(), read) == 2  # another snapshot
    file.write_bytes(b"22")
    written(file, seconds_ago=50)
    assert kept.get("b", basis, read) == 3
    assert kept.get("b", basis, read) == 3


def test_what_was_just_written_is_not_relied_on(file):
    """A second write may leave the same time and size."""
    written(file, seconds_ago=0)
    kept = KeptAnswers([file])
    assert [kept.get("a", None, lambda n=n: n) for n in range(3)] == [0, 1, 2]


def test_an_answer_is_not_kept_for_long_nor_are_many(file):
    over = KeptAnswers([file], seconds=-1)
    assert [over.get("a", None, lambda n=n: n) for n in range(2)] == [0, 1]
    few = KeptAnswers([file], most=2)
    for name in "abc":
        few.get(name, None, lambda name=name: name)
    assert few.get("a", None, lambda: "anew") == "anew"
    assert few.get("c", None, lambda: "anew") == "c"


def test_an_error_is_not_kept(file):
    kept = KeptAnswers([file])

    def fail():
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - its own
        kept.get("a", None, fail)
    assert kept.get("a", None, lambda: 1) == 1


def test_who_asks_for_something_else_does_not_wait(file):
    kept, other = KeptAnswers([file]), threading.Event()

    def slow():
        return other.wait(30)

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(kept.get, "slow", None, slow)
        assert kept.get("quick", None, lambda: 1) == 1
        other.set()
        assert waits.result()
