"""Questions about exporters: what an export would do, and an export now."""

from __future__ import annotations

from typing import Any

from orchestration.services.asking.question import Desk, Question
from orchestration.services.exports.launch import Delivery, start_export
from orchestration.services.exports.trial import (
    ExporterTest,
    check_exporter,
    check_unsaved_exporter,
)
from orchestration.services.runs.start import Asked
from orchestration.services.unsaved import Definition

_TEST_SECONDS = 120.0


def _test(desk: Desk, name: str, dataset: str, version: int | None) -> ExporterTest:
    return check_exporter(desk.location, name, dataset=dataset, version=version, tell=desk.tell)


def _try(desk: Desk, kind: str, attributes: dict[str, Any]) -> ExporterTest:
    return check_unsaved_exporter(desk.location, Definition(kind, attributes), desk.tell)


def _run(desk: Desk, name: str, dataset: str, version: int | None, key: str) -> str:
    asked = Asked(desk.actor.name, key)
    wanted = Delivery(name, dataset, version)
    return start_export(desk.home, desk.location, desk.instance, wanted, asked)


TEST = Question("exporter.test", _test, ExporterTest, seconds=_TEST_SECONDS)
TRY = Question("exporter.try", _try, ExporterTest, seconds=_TEST_SECONDS)
RUN = Question("exporter.run", _run, str)
QUESTIONS = (TEST, TRY, RUN)
