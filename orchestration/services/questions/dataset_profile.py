"""The question that has a profile made: it needs the definitions. A profile that is kept is read by the web process itself."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question
from orchestration.services.runs.profiling import start_profile
from orchestration.services.runs.start import Asked


def _compute(desk: Desk, name: str, version: int = 0, key: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_profile(desk.home, desk.location, desk.instance, name, asked, version)


COMPUTE_PROFILE = Question("dataset.compute-profile", _compute, str)
