"""Questions about datasources: what one would bring, and a look whether it changed."""

from __future__ import annotations

from typing import Any

from orchestration.services.asking.question import Desk, Question
from orchestration.services.datasources import (
    DatasourceTest,
    preview_datasource,
    source_of_definition,
)
from orchestration.services.observations import start_observation
from orchestration.services.runs.start import Asked
from orchestration.services.unsaved import Definition

_PREVIEW_SECONDS = 120.0


def _test(desk: Desk, name: str, rows: int, fingerprint: bool | None) -> DatasourceTest:
    spec = desk.location.datasource(name)
    return preview_datasource(desk.location, spec, rows=rows, with_fingerprint=fingerprint)


def _try(desk: Desk, kind: str, attributes: dict[str, Any], rows: int) -> DatasourceTest:
    spec = source_of_definition(desk.location, Definition(kind, attributes))
    return preview_datasource(desk.location, spec, rows=rows)


def _observe(desk: Desk, name: str, key: str) -> str:
    return start_observation(
        desk.home, desk.location, desk.instance, name, Asked(desk.actor.name, key)
    )


TEST = Question("datasource.test", _test, DatasourceTest, seconds=_PREVIEW_SECONDS)
TRY = Question("datasource.try", _try, DatasourceTest, seconds=_PREVIEW_SECONDS)
OBSERVE = Question("datasource.observe", _observe, str)
QUESTIONS = (TEST, TRY, OBSERVE)
