"""Questions about datasets: those that read rows or need the definitions."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.dataset_compare import SECONDS, Comparison, compare_versions
from orchestration.services.dataset_download import download_dataset
from orchestration.services.dataset_drift import show_drift
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_restore import start_restore
from orchestration.services.dataset_sample import Sample, sample_dataset
from orchestration.services.questions.dataset_profile import COMPUTE_PROFILE
from orchestration.services.runs.launch import start_refresh
from orchestration.services.runs.start import Asked
from orchestration.services.suggested_checks import SuggestedChecks, suggest_checks
from resources.drift.record import Drift

DOWNLOAD_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class DownloadHead:
    """What comes behind it."""

    file_name: str
    media_type: str
    version: int
    rows: int
    size_bytes: int | None
    is_guarded: bool


def _download(
    desk: Desk,
    name: str,
    key: list[str],
    file_format: str = "csv",
    version: int | None = None,
    raw: bool = False,
) -> Streamed[DownloadHead]:
    """Needs the store, not the definitions: what is kept can be taken also while they do not load."""
    entry = DatasetEntry(name, "", tuple(key))
    found = download_dataset(entry, desk.store, file_format=file_format, version=version, raw=raw)
    head = DownloadHead(
        found.file_name,
        found.media_type,
        found.version,
        found.rows,
        found.size_bytes,
        found.is_guarded,
    )
    return Streamed(head, found.chunks)


def _refresh(desk: Desk, name: str, key: str = "", partition: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_refresh(desk.home, desk.location, desk.instance, name, asked, partition)


def _sample(desk: Desk, key: list[str], rows: int = 10, version: int | None = None) -> Sample:
    """Needs the store, not the definitions, as a download does."""
    return sample_dataset(desk.store, tuple(key), rows=rows, version=version)


def _compare(
    desk: Desk, key: list[str], before: str, after: str = "", by: tuple[str, ...] = ()
) -> Comparison:
    """Needs the store, not the definitions. It ends when nobody waits for it."""
    return compare_versions(desk.store, tuple(key), before=before, after=after, by=by)


def _drift(
    desk: Desk,
    key: list[str],
    declared: str = "",
    version: str = "",
    against: str = "",
    column: str = "",
) -> Drift:
    """Needs the store, not the definitions. It ends when nobody waits for it."""
    asked = {"version": version, "against": against, "column": column}
    return show_drift(desk.store, tuple(key), declared, **asked)


def _restore(desk: Desk, name: str, version: str, key: str = "") -> str:
    asked = Asked(desk.actor.name, key)
    return start_restore(desk.home, desk.location, desk.instance, name, asked, version=version)


def _suggest_checks(
    desk: Desk, key: list[str], declared: list[str], version: int | None = None
) -> SuggestedChecks:
    """Needs the store, not the definitions: a profile is there also while they do not load."""
    return suggest_checks(desk.store, tuple(key), declared, version)


DOWNLOAD: Question[Streamed[DownloadHead]] = Question(
    "dataset.download", _download, Streamed, seconds=DOWNLOAD_SECONDS
)
REFRESH = Question("dataset.refresh", _refresh, str)
SAMPLE = Question("dataset.sample", _sample, Sample)
COMPARE = Question("dataset.compare", _compare, Comparison, seconds=SECONDS)
DRIFT = Question("dataset.drift", _drift, Drift, seconds=SECONDS)
RESTORE = Question("dataset.restore", _restore, str)
SUGGEST_CHECKS = Question("dataset.suggest-checks", _suggest_checks, SuggestedChecks)
QUESTIONS = (DOWNLOAD, REFRESH, SAMPLE, COMPARE, DRIFT, RESTORE, SUGGEST_CHECKS, COMPUTE_PROFILE)
