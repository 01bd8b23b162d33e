"""Dagster's records of an instance as the web process reads them: its own files where it has them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration.services.record_files import KeptAnswers, RecordFiles
from orchestration.services.recorded_dataset import RecordedDataset
from orchestration.services.site.site import Site


def recorded(site: Site) -> RecordedDataset:
    """The records of the site's instance."""
    return _of_folder(site.home.dagster)


@lru_cache(maxsize=8)
def _of_folder(dagster_home: Path) -> RecordedDataset:
    return RecordedDataset(RecordFiles(dagster_home))


def kept_answers(site: Site) -> KeptAnswers[Any]:
    """Answers out of all records of the site's instance, for pages that many look at."""
    return _answers_of_folder(site.home.dagster)


@lru_cache(maxsize=8)
def _answers_of_folder(dagster_home: Path) -> KeptAnswers[Any]:
    files = RecordFiles(dagster_home)
    return KeptAnswers([files.runs, files.events, files.schedules])
