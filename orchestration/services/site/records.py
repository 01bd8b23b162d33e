"""Dagster's records of an instance as the web process reads them: its own files where it has them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from orchestration.services.record_files import KeptAnswers, RecordFiles
from orchestration.services.recorded_dataset import RecordedDataset
from orchestration.services.site.site import Site

T = TypeVar("T")


def recorded(site: Site) -> RecordedDataset:
    """The records of the site's instance."""
    return _of_folder(site.home.dagster)


@lru_cache(maxsize=8)
def _of_folder(dagster_home: Path) -> RecordedDataset:
    return RecordedDataset(RecordFiles(dagster_home))


def kept_answer(site: Site, asked: Hashable, basis: object, read: Callable[[], T]) -> T:
    """An answer out of all records of the site's instance, for pages that many look at; see `KeptAnswers.get`."""
    files, kept = _answers_of_folder(site.home.dagster)
    return kept.get(asked, basis, read) if files.are_all() else read()


@lru_cache(maxsize=8)
def _answers_of_folder(dagster_home: Path) -> tuple[RecordFiles, KeptAnswers[Any]]:
    files = RecordFiles(dagster_home)
    return files, KeptAnswers([files.runs, files.events, files.schedules])
