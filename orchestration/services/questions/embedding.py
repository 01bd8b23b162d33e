"""Questions about embeddings: those that need the definitions."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question
from orchestration.services.runs.launch import start_embedding
from orchestration.services.runs.start import Asked


def _compute(desk: Desk, name: str, key: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_embedding(desk.home, desk.location, desk.instance, name, asked)


COMPUTE = Question("embedding.compute", _compute, str)
QUESTIONS = (COMPUTE,)
