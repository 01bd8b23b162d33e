"""How much one user may ask for."""

from orchestration.server.guard.limits import BURST_SECONDS, Rates, UploadSlots
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import bearer


def test_a_burst_passes_and_then_one_by_one():
    now = [100.0]
    rates = Rates(10, lambda: now[0])
    burst = int(10 * BURST_SECONDS)
    assert [rates.take("ada") for _ in range(burst)] == [0.0] * burst
    assert round(rates.take("ada"), 3) == 0.1
    assert rates.take("olga") == 0
    now[0] += 0.1001
    assert rates.take("ada") == 0
    assert rates.take("ada") > 0
    now[0] += 1_000
    assert [rates.take("ada") for _ in range(burst)] == [0.0] * burst


def test_what_is_remembered_has_an_end():
    rates = Rates(10)
    for number in range(12_000):
        rates.take(f"user-{number}")
    assert len(rates._full_at) == 10_000


def test_an_upload_that_failed_is_over():
    uploads = UploadSlots(1)
    try:
        with uploads.one("ada") as may_begin:
            assert may_begin
            raise OSError
    except OSError:
        pass
    with uploads.one("ada") as may_begin:
        assert may_begin


def test_the_api_says_when_to_come_back(people, make_guard, token_of):
    app = make_guard(requests_a_second=0.1)
    headers = bearer(token_of("ada"))
    answers = [ask(app, path="/api/v1/x", headers=headers) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[2].header("retry-after")[0]) >= 1
    assert ask(app, path="/data/", headers=headers).status == 200
