"""How fast passwords may be guessed."""

import pytest

from orchestration.services.access.throttle import SECONDS_A_TRY, TRIES, Throttle


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def spend(throttle, address, tries=TRIES):
    for port in range(tries):
        assert throttle.wait_seconds((address, port)) == 0
        throttle.failed((address, port))


def test_tries_come_back_one_by_one(throttle, clock):
    spend(throttle, "203.0.113.5")
    assert throttle.wait_seconds(("203.0.113.5", 999)) == pytest.approx(SECONDS_A_TRY)
    clock.now += SECONDS_A_TRY
    spend(throttle, "203.0.113.5", tries=1)
    assert throttle.wait_seconds(("203.0.113.5", 999)) > 0
    clock.now += TRIES * SECONDS_A_TRY
    spend(throttle, "203.0.113.5")


@pytest.mark.parametrize(
    ("spent", "same"),
    [("127.0.0.1", "127.8.9.1"), ("127.0.0.1", "::1"), ("2001:db8::1", "2001:db8::ffff")],
)
def test_addresses_that_one_sender_can_take_share_their_tries(throttle, spent, same):
    spend(throttle, spent)
    assert throttle.wait_seconds((same, 1)) > 0


def test_others_are_not_slowed(throttle):
    spend(throttle, "203.0.113.5")
    assert throttle.wait_seconds(("203.0.113.6", 1)) == 0


def test_a_connection_that_knew_the_password_goes_on_until_it_is_wrong(throttle):
    throttle.passed(("127.0.0.1", 50_000))
    spend(throttle, "127.0.0.1")
    assert throttle.wait_seconds(("127.0.0.1", 50_000)) == 0
    throttle.failed(("127.0.0.1", 50_000))
    assert throttle.wait_seconds(("127.0.0.1", 50_000)) > 0


def test_what_is_remembered_has_an_end(throttle):
    for number in range(12_000):
        throttle.failed((f"name-{number}", 1))
    assert len(throttle._full_at) == 10_000
