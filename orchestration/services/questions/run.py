"""Questions about runs: those that need the definitions of what ran."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question
from orchestration.services.runs.retry import start_retry
from orchestration.services.runs.start import Asked


def _retry(desk: Desk, run_id: str, key: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_retry(desk.home, desk.location, desk.instance, run_id, asked)


RETRY = Question("run.retry", _retry, str)
QUESTIONS = (RETRY,)
