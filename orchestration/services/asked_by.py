"""Who asked for a run, as its tags say."""

from __future__ import annotations

from collections.abc import Mapping

from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from orchestration.services.runs.start import ACTOR_TAG

_BY_ITSELF = {"schedule": SCHEDULE_NAME_TAG, "sensor": SENSOR_NAME_TAG}


def actor_of(tags: Mapping[str, str]) -> str:
    """A user, a schedule, a sensor; empty: somebody in Dagster's UI."""
    for kind, tag in _BY_ITSELF.items():
        if tag in tags:
            return f"{kind} {tags[tag]}"
    return tags.get(ACTOR_TAG, "")
