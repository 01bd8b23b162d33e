from __future__ import annotations

import threading
import time

import pytest

from resources.web.turns import StoppedError, Turns


def test_requests_to_one_host_are_apart_and_others_do_not_wait():
    turns, began = Turns(), time.monotonic()
    threads = [threading.Thread(target=turns.wait, args=("a.example", 0.1)) for _ in range(4)]
    for thread in threads:
        thread.start()
    turns.wait("b.example", 60)  # comes at once, though all others wait
    for thread in threads:
        thread.join()
    assert time.monotonic() - began > 0.29


def test_a_host_that_wants_to_be_left_alone_is_by_those_that_wait_already(monkeypatch):
    turns, slept = Turns(), []
    sleep = turns._sleep_until

    def told_meanwhile(at):
        if not slept:
            turns.hold("a.example", 0.2)
        slept.append(at)
        sleep(at)

    monkeypatch.setattr(turns, "_sleep_until", told_meanwhile)
    turns.wait("a.example", 0)
    first, second = slept
    assert second >= first + 0.2


def test_who_waits_ends_when_all_is_stopped():
    stopped = threading.Event()
    turns = Turns(stopped)
    turns.wait("a.example", 600)
    threading.Timer(0.05, stopped.set).start()
    with pytest.raises(StoppedError):
        turns.wait("a.example", 600)
    with pytest.raises(StoppedError):
        turns.wait("b.example", 0)
