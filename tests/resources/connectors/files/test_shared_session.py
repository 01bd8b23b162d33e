"""One session for all threads, opened anew once when its credentials have expired (E47)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resources.connectors.files.shared_session import SharedSession

THREADS = 8


class ExpiredError(Exception):
    """The credentials are too old."""


def is_expired(error: Exception) -> bool:
    return isinstance(error, ExpiredError)


@pytest.fixture
def opened():
    """The sessions opened so far: numbers, of which the first has expired credentials."""
    return []


@pytest.fixture
def sessions(opened):
    def open_session() -> int:
        opened.append(len(opened))
        return opened[-1]

    return SharedSession(open_session)


def test_nothing_is_opened_before_it_is_needed(sessions, opened):
    assert opened == []
    assert sessions.use(lambda session: session, is_expired=is_expired) == 0
    assert sessions.current() == 0


def test_threads_that_find_it_expired_at_once_open_one_new_session(sessions, opened):
    """Each of them held the old session: whoever comes second uses what the first one opened."""
    all_hold_it = threading.Barrier(THREADS)

    def ask(session: int) -> int:
        if session == 0:
            all_hold_it.wait(timeout=30)
            raise ExpiredError
        return session

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: sessions.use(ask, is_expired=is_expired), range(THREADS)))
    assert (found, opened) == ([1] * THREADS, [0, 1])


def test_credentials_that_stay_expired_are_read_anew_once(sessions, opened):
    def ask(session: int) -> int:
        raise ExpiredError

    with pytest.raises(ExpiredError):
        sessions.use(ask, is_expired=is_expired)
    assert opened == [0, 1]


def test_other_errors_keep_the_session(sessions, opened):
    with pytest.raises(ZeroDivisionError):
        sessions.use(lambda session: 1 // session, is_expired=is_expired)
    assert sessions.current() == 0
    assert opened == [0]
