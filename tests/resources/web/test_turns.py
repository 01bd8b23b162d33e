from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from resources.web.turns import StoppedError, Turns


def test_requests_to_one_host_are_apart_and_others_do_not_wait():
    turns, at = Turns(), []

    def go():
        turns.wait("a.example", 0.1)
        at.append(time.monotonic())

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    turns.wait("b.example", 60)  # comes at once, though all others wait
    for thread in threads:
        thread.join()
    at.sort()
    assert all(later - earlier > 0.09 for earlier, later in pairwise(at))


def test_a_host_that_wants_to_be_left_alone_is_by_those_that_wait_already():
    turns = Turns()
    turns.wait("a.example", 0.05)
    began = time.monotonic()
    waiting = threading.Thread(target=turns.wait, args=("a.example", 0))
    waiting.start()
    turns.hold("a.example", 0.3)
    waiting.join()
    assert time.monotonic() - began > 0.29


def test_who_waits_ends_when_all_is_stopped():
    stopped = threading.Event()
    turns = Turns(stopped)
    turns.wait("a.example", 600)
    threading.Timer(0.05, stopped.set).start()
    with pytest.raises(StoppedError):
        turns.wait("a.example", 600)
    with pytest.raises(StoppedError):
        turns.wait("b.example", 0)
