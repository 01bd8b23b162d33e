"""What a check of a specification tells people and machines: counts with the defaults that applied, and the problems."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assets.collections.specification.reading import Specification
from resources.collections.items import SEVERAL, MediaType

PROBLEM_FIELDS = ("at", "rule", "message", "hint")

_NAMES: Mapping[MediaType, tuple[str, str]] = {
    "video": ("video", "videos"),
    "image": ("image", "images"),
    "audio": ("audio file", "audio files"),
    "image_group": ("image group", "image groups"),
    "image_sequence": ("image sequence", "image sequences"),
    "dicom_series": ("DICOM series", "DICOM series"),
    "text": ("text", "texts"),
    "pdf": ("PDF", "PDFs"),
    "nifti": ("NIfTI file", "NIfTI files"),
}


def report_json(specification: Specification) -> dict[str, Any]:
    """Everything, as JSON; `complete` is there, and false, if not all problems are listed."""
    counts = specification.counts
    is_complete = len(specification.problems) == specification.problem_count
    return {
        "file": specification.file_name,
        "format": specification.format,
        "accepted": not specification.is_refused,
        "items": {kind: number for kind, number in counts.items.items() if number},
        "urls": {kind: number for kind, number in counts.urls.items() if number},
        "create_video_default": dict(counts.create_video_default),
        "skip_duplicate_urls": specification.flags.skip_duplicate_urls,
        "upsert_metadata": specification.flags.upsert_metadata,
        "undeclared_vectors": [
            {"key": key, "items": number, "first": at}
            for key, (number, at) in counts.vectors.items()
        ],
        "problem_count": specification.problem_count,
        "problems_by_rule": dict(specification.problem_counts),
        "problems": [
            {name: getattr(problem, name) for name in PROBLEM_FIELDS}
            for problem in specification.problems
        ],
        **({} if is_complete else {"complete": False}),
    }


def report_lines(specification: Specification) -> list[str]:
    """What the file holds, in sentences."""
    return [
        *_counted(specification),
        *_default(specification),
        *_flags(specification),
        *_vectors(specification),
        *_refused(specification),
    ]


def problems_csv(specification: Specification) -> Iterator[str]:
    """Every problem as CSV, a line each below a header."""
    yield from problem_lines(specification.all_problems())


def problem_lines(problems: Iterable[Any]) -> Iterator[str]:
    """Problems as CSV, a line each below a header."""
    yield _csv_line(PROBLEM_FIELDS)
    for problem in problems:
        yield _csv_line([getattr(problem, name) for name in PROBLEM_FIELDS])


def _csv_line(fields: list[str] | tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(fields)
    return out.getvalue()


def _counted(specification: Specification) -> Iterator[str]:
    parts = []
    for kind, names in _NAMES.items():
        number = specification.counts.items[kind]
        if number:
            urls = specification.counts.urls[kind]
            files = f" of {urls:,} files" if kind in SEVERAL else ""
            parts.append(f"{number:,} {names[number != 1]}{files}")
    if parts:
        yield ", ".join(parts)


def _default(specification: Specification) -> Iterator[str]:
    found = specification.counts.create_video_default
    parts = [
        f"{found[kind]:,} {_NAMES[kind][found[kind] != 1]}"
        for kind in ("image_group", "image_sequence")
        if found[kind]
    ]
    if not parts:
        return
    name, made = (
        ("Create video", "a sequence")
        if specification.format == "csv"
        else ("createVideo", "a group")
    )
    kind = "CSV" if specification.format == "csv" else "JSON"
    yield f"{', '.join(parts)}: `{name}` was not given, and {kind} makes {made} of them then"


def _flags(specification: Specification) -> Iterator[str]:
    if specification.flags.upsert_metadata:
        yield "Known items are not made again; custom metadata given for them replaces what they have"
    elif specification.flags.skip_duplicate_urls:
        yield "Known items are skipped"
    elif not specification.is_refused:
        yield "Known items are made once more: `skip_duplicate_urls` is not true"


def _vectors(specification: Specification) -> Iterator[str]:
    for key, (number, at) in specification.counts.vectors.items():
        yield (
            f"Warning: {key!r} holds lists of numbers in {number:,} items (first {at}) and is not declared:"
            " it is kept as plain metadata, not as an embedding"
        )


def _refused(specification: Specification) -> Iterator[str]:
    if not specification.is_refused:
        return
    rules = ", ".join(f"{rule} {number:,}" for rule, number in specification.problem_counts.items())
    count = specification.problem_count
    yield f"Refused: {count:,} {'problem' if count == 1 else 'problems'} ({rules})"
    listed = len(specification.problems)
    if listed < specification.problem_count:
        yield f"The first {listed:,} are listed"
