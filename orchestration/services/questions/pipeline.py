"""Questions about pipelines: those that need the definitions."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question
from orchestration.services.runs.launch import start_pipeline
from orchestration.services.runs.start import Asked


def _run(desk: Desk, name: str, key: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_pipeline(desk.home, desk.location, desk.instance, name, asked)


RUN = Question("pipeline.run", _run, str)
QUESTIONS = (RUN,)
