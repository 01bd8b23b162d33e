"""Questions about metadata schemas: what reads all the metadata that is stored."""

from __future__ import annotations

from typing import Any

from orchestration.services.asking.question import Desk, Question
from orchestration.services.metadata_schemas.changes import (
    ChangePreview,
    KeyMisfits,
    WantedChange,
    apply_change,
    preview_change,
    verify_schema,
)
from orchestration.services.metadata_schemas.shown import SchemaRecords, ShownSchema

SECONDS = 600.0
"""A million items are read through."""


def _preview(desk: Desk, name: str, change: dict[str, Any]) -> ChangePreview:
    return preview_change(SchemaRecords.of(desk.location), name, _wanted(change))


def _apply(
    desk: Desk, name: str, change: dict[str, Any], revision: int | None = None
) -> ShownSchema:
    records = SchemaRecords.of(desk.location)
    return apply_change(records, name, _wanted(change), desk.actor.name, revision=revision)


def _verify(desk: Desk, name: str) -> list[KeyMisfits]:
    return verify_schema(SchemaRecords.of(desk.location), name)


def _wanted(change: dict[str, Any]) -> WantedChange:
    return WantedChange(**{**change, "values": tuple(change.get("values", ()))})


PREVIEW = Question("metadata_schema.preview", _preview, ChangePreview, seconds=SECONDS)
APPLY = Question("metadata_schema.apply", _apply, ShownSchema, seconds=SECONDS)
VERIFY: Question[list[KeyMisfits]] = Question(
    "metadata_schema.verify", _verify, list[KeyMisfits], seconds=SECONDS
)
QUESTIONS = (PREVIEW, APPLY, VERIFY)
