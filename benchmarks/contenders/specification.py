"""Specifications of collections: what a check does with one, and the bare parsers into records that it is held against."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from assets.collections.specification.reading import read_specification
from benchmarks.specification_files import counts, specification_file
from benchmarks.task import Task

_Metadata = dict[str, Any] | None


class _ImageFacts(msgspec.Struct, gc=False):
    mimeType: str  # noqa: N815 - as in the file
    fileSize: int  # noqa: N815
    width: int
    height: int


class _VideoFacts(msgspec.Struct, gc=False):
    fps: float
    duration: float
    width: int
    height: int
    file_size: int
    mime_type: str


class _Image(msgspec.Struct, gc=False):
    objectUrl: str  # noqa: N815
    title: str | None = None
    clientMetadata: _Metadata = None  # noqa: N815
    imageMetadata: _ImageFacts | None = None  # noqa: N815


class _Video(msgspec.Struct, gc=False):
    objectUrl: str  # noqa: N815
    title: str | None = None
    clientMetadata: _Metadata = None  # noqa: N815
    videoMetadata: _VideoFacts | None = None  # noqa: N815


class _File(msgspec.Struct):
    videos: list[_Video] = []
    images: list[_Image] = []
    image_groups: list[dict[str, str | bool | dict[str, Any]]] = []
    skip_duplicate_urls: bool = False


class _Row(msgspec.Struct, gc=False):
    url: str
    title: str
    create_video: str = ""


def check_json(task: Task) -> Callable[[], str]:
    """The check of a JSON specification."""
    return _check(task, "json")


def check_csv(task: Task) -> Callable[[], str]:
    """The check of a CSV specification."""
    return _check(task, "csv")


def drafts_json(task: Task) -> Callable[[], str]:
    """Check, then all items as an import registers them, with their metadata as compact JSON."""
    path = specification_file(task, "json")

    def job() -> str:
        specification = read_specification(path, path.name)
        return _expect(task.rows, sum(map(len, specification.batches())))

    return job


def msgspec_whole(task: Task) -> Callable[[], str]:
    """`msgspec.json.decode` of the whole file into records, nothing checked but their types."""
    path = specification_file(task, "json")

    def job() -> str:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        return _expect(task.rows, len(file.videos) + len(file.images) + len(file.image_groups))

    return job


def csv_records(task: Task) -> Callable[[], str]:
    """The csv module, a record for each row, nothing checked."""
    path = specification_file(task, "csv")
    groups = counts(task.rows)["image_groups"]

    def job() -> str:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [_Row(*row) for row in csv.reader(file)]
        return _expect(task.rows, len(rows) - 3 - 3 * groups)

    return job


def _check(task: Task, ending: Literal["csv", "json"]) -> Callable[[], str]:
    path = specification_file(task, ending)

    def job() -> str:
        specification = read_specification(path, path.name)
        if specification.problems:
            raise RuntimeError(specification.problems[0].message)
        return _expect(task.rows, specification.counts.item_count)

    return job


def _expect(expected: int, count: int) -> str:
    """No rows to look at, but the number of items.

    Raises:
        RuntimeError: it is another one.
    """
    if count != expected:
        raise RuntimeError(f"{count:,} items instead of {expected:,}")
    return ""
