"""Trying again: which tries are made, after which pauses, and what is raised in the end."""

from __future__ import annotations

import pytest

from resources.kernel import retries
from resources.kernel.retries import RetryPolicy


class Flaky:
    """A step that fails as often as it is told, getting `gain` further each time."""

    def __init__(self, failures: int, gain: int = 0) -> None:
        self.failures, self.gain = failures, gain
        self.tries = self.reached = 0

    def __call__(self) -> str:
        self.tries += 1
        self.reached += self.gain
        if self.tries <= self.failures:
            raise ConnectionError(f"cut {self.tries}")
        return "done"


@pytest.fixture
def pauses(monkeypatch):
    """The pauses made, none of which is waited for."""
    made: list[float] = []
    monkeypatch.setattr(retries.time, "sleep", made.append)
    return made


def is_cut(error: Exception) -> bool:
    return isinstance(error, ConnectionError)


def test_pauses_grow_and_the_step_is_done_once_it_goes_well(pauses):
    step = Flaky(failures=2)
    told: list[str] = []
    policy = RetryPolicy(4, pause_seconds=0.5, growth=4)
    done = policy.run(
        step, may_pass=is_cut, before_pause=lambda error, s: told.append(f"{error}, {s:g} s")
    )
    assert (done, step.tries, pauses) == ("done", 3, [0.5, 2.0])
    assert told == ["cut 1, 0.5 s", "cut 2, 2 s"]


@pytest.mark.parametrize("attempts", [0, 1, 3])
def test_the_last_error_comes_as_it_was_and_alone(pauses, attempts):
    step = Flaky(failures=99)
    with pytest.raises(ConnectionError, match=f"^cut {max(1, attempts)}$") as caught:
        RetryPolicy(attempts).run(step, may_pass=is_cut)
    assert step.tries == max(1, attempts)
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert len(pauses) == step.tries - 1


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt()])
def test_what_cannot_pass_is_not_tried_again(pauses, error):
    tries = []

    def step() -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        RetryPolicy(5, pause_seconds=1).run(step, may_pass=is_cut)
    assert (len(tries), pauses) == (1, [])


def test_a_step_that_gets_on_has_all_its_tries_again(pauses):
    step = Flaky(failures=20, gain=10)
    policy = RetryPolicy(3, pause_seconds=1, growth=10, renewed_by=20)
    done = policy.run(step, may_pass=is_cut, progress=lambda: step.reached)
    assert (done, step.tries) == ("done", 21)
    assert max(pauses) == 10  # every second failure begins anew


def test_one_that_gets_on_too_little_has_not(pauses):
    step = Flaky(failures=20, gain=1)
    with pytest.raises(ConnectionError, match="cut 3"):
        RetryPolicy(3, renewed_by=20).run(step, may_pass=is_cut, progress=lambda: step.reached)


def test_jitter_spreads_pauses_and_stays_near_them(pauses):
    policy = RetryPolicy(2, pause_seconds=8, jitter=0.5)
    for _ in range(50):
        policy.run(Flaky(failures=1), may_pass=is_cut)
    assert all(4 <= pause <= 12 for pause in pauses)
    assert len(set(pauses)) > 1
