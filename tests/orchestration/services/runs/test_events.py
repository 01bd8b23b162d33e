"""What happens in a run, told from any event on, without one twice and none left out."""

import pytest

from orchestration.services.runs.events import Tail, read_events
from orchestration.services.runs.start import Asked, start_run
from resources.kernel.errors import InputError, NotFoundError

OUTLINE = [
    "queued",
    "started",
    "step started",
    "made",
    "step done",
]


@pytest.fixture
def nightly(home, instance, shop):
    return start_run(home, instance, shop.location.job("nightly"), Asked("ada"))


def everything(instance, run_id, *, limit):
    events, after = [], 0
    while True:
        page = read_events(instance, run_id, after=after, limit=limit)
        events += page.events
        after = page.cursor
        if page.is_last:
            return events


def test_whoever_was_cut_off_goes_on_behind_the_last_one_seen(instance, shop, nightly):
    shop.execute(instance, nightly)
    whole = everything(instance, nightly, limit=1000)
    kinds = [event.kind for event in whole]
    assert [kind for kind in kinds if kind in OUTLINE][:5] == OUTLINE
    assert kinds.count("step done") == kinds.count("made") == 3
    assert "done" in kinds
    assert everything(instance, nightly, limit=1) == whole
    for seen in whole:
        rest = read_events(instance, nightly, after=seen.number, limit=1000).events
        assert list(rest) == whole[whole.index(seen) + 1 :]


def test_what_fails_is_told_in_words_and_what_steps_log_in_one_line(instance, shop, nightly):
    shop.broken = "orders"
    shop.execute(instance, nightly)
    told = {event.kind: event for event in everything(instance, nightly, limit=50)}
    assert told["step failed"].text == "orders.csv, line 3: 4 fields"
    assert (told["step failed"].step, told["failed"].step) == ("datasets__orders", "")


def test_a_tail_ends_when_the_run_has_and_says_each_event_once(instance, shop, nightly):
    told = []
    tail = Tail(instance, nightly, tell=told.append)
    assert not tail.read()
    assert [event.kind for event in told] == ["queued"]
    shop.execute(instance, nightly)
    assert tail.read()
    assert tail.read()
    numbers = [event.number for event in told]
    assert numbers == sorted(set(numbers))
    assert told == everything(instance, nightly, limit=1000)


@pytest.mark.parametrize("after", [-1, 2**63])
def test_a_number_that_no_event_has_is_refused(instance, nightly, after):
    with pytest.raises(InputError, match="no number"):
        read_events(instance, nightly, after=after)


def test_a_run_that_is_not_there_has_no_events(instance):
    with pytest.raises(NotFoundError):
        read_events(instance, "../index")
