"""Questions about classification sets: what each holds, what a file would do, a file on its way into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assets.classifications.checking import FileCheck, changes_json
from assets.classifications.problems import FileProblem, Notice
from assets.classifications.selection import Selection
from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.classification_checks import check_kept
from orchestration.services.classification_rows import (
    FoundKey,
    download,
    make_write_options,
    show,
    template,
)
from orchestration.services.classification_runs import (
    StagedFile,
    start_apply,
    start_undo,
)
from orchestration.services.classifications import ReadingChoice
from resources.kernel.errors import InputError
from resources.scratch import ScratchFolder

SHOWN_WARNINGS = 50
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Finding:
    """An error or a warning of a file."""

    row: int
    """0 for the file; in CSV and TSV the record (the header is 1), in JSON the line."""
    rule: str
    column: str
    message: str


@dataclass(frozen=True)
class CheckAnswer:
    """What a file would do to a set; nothing of it was done."""

    upload: str
    """SHA-256 under which the file is kept: `apply` takes it."""
    file_name: str
    outcome: Literal["applied", "rejected"]
    """`applied`: nothing stands against it."""
    lines: int
    error_count: int
    errors: tuple[Finding, ...]
    """A page of them, in the order of the file."""
    next: int | None
    """Ask with `after` this number for the next page; None at the end of what is listed."""
    warning_count: int
    warnings: tuple[Finding, ...]
    """The first of them."""
    changes: Mapping[str, Any]
    preview: tuple[Mapping[str, Any], ...]
    """The first rows of the file, as they will be stored."""


@dataclass(frozen=True)
class SentFile:
    """A file that is kept, and how it is read."""

    sha256: str
    file_name: str
    encoding: str = ""
    list_delimiter: str = ""
    blank_clears: bool | None = None

    @property
    def kept(self) -> StagedFile:
        """As services take it."""
        return StagedFile(self.file_name, self.sha256)

    @property
    def choice(self) -> ReadingChoice:
        """How it is read."""
        return ReadingChoice(self.encoding, self.list_delimiter, self.blank_clears)


@dataclass(frozen=True)
class Rows:
    """Which rows of a set are written, and how."""

    format: str = "csv"
    key: tuple[str, ...] = ()
    key_regex: str = ""
    where: tuple[str, ...] = ()
    """`COLUMN=VALUE` each."""
    where_regex: tuple[str, ...] = ()
    """`COLUMN=REGEX` each."""
    classified: Literal["all", "classified", "unclassified", "bare"] = "all"
    after: str | None = None
    limit: int | None = None
    version: int | None = None
    encoding: str = ""
    list_delimiter: str = ""


def _show(desk: Desk, name: str, key: str, version: int | None = None) -> FoundKey:
    return show(desk.location, name, key, version)


def _check(
    desk: Desk, name: str, upload: dict[str, Any], after: int = 0, limit: int = 100
) -> CheckAnswer:
    given = SentFile(**upload)
    found = check_kept(desk.location, name, given.kept, given.choice)
    return _answer(given, found, after, limit)


def _report(desk: Desk, name: str, upload: dict[str, Any], format: str) -> Streamed[str]:  # noqa: A002 - the option's name
    if format not in ("csv", "json"):
        raise InputError(f"a report is csv or json, not {format[:20]!r}")
    given, scratch = SentFile(**upload), ScratchFolder("classification")
    path = scratch.__enter__().path / f"errors.{format}"
    check_kept(desk.location, name, given.kept, given.choice, path)
    return Streamed(f"{Path(given.file_name).stem}-errors.{format}", _chunks(path, scratch))


def _apply(desk: Desk, name: str, upload: dict[str, Any], key: str = "") -> str:
    given = SentFile(**upload)
    return start_apply(desk.workplace(key), name, given.kept, given.choice)


def _undo(desk: Desk, name: str, version: int, key: str = "") -> str:
    return start_undo(desk.workplace(key), name, version)


def _download(desk: Desk, name: str, rows: dict[str, Any]) -> Streamed[str]:
    wanted = Rows(**rows)
    selection = Selection(
        keys=tuple(wanted.key) or None,
        key_regex=wanted.key_regex or None,
        after=wanted.after,
        equals=_pairs(wanted.where),
        matches=_pairs(wanted.where_regex),
        classified=wanted.classified,
        limit=wanted.limit,
    )
    options = make_write_options(wanted.format, wanted.encoding, wanted.list_delimiter)
    found = download(desk.location, name, selection, options, version=wanted.version)
    return Streamed(f"{name}.{wanted.format}", (piece for _, piece in found.pieces))


def _template(desk: Desk, name: str, format: str, encoding: str = "") -> Streamed[str]:  # noqa: A002 - the option's name
    options = make_write_options(format, encoding, "")
    return Streamed(f"{name}.{format}", [template(desk.location, name, options)])


def _answer(given: SentFile, found: FileCheck, after: int, limit: int) -> CheckAnswer:
    errors = found.errors[after : after + limit]
    more = after + limit < len(found.errors)
    return CheckAnswer(
        upload=given.sha256,
        file_name=given.file_name,
        outcome=found.outcome,
        lines=found.lines,
        error_count=found.error_count,
        errors=tuple(map(_finding, errors)),
        next=after + limit if more else None,
        warning_count=found.warning_count,
        warnings=tuple(map(_finding, found.warnings[:SHOWN_WARNINGS])),
        changes=changes_json(found.changes, found.lines),
        preview=tuple({"row": r.row, "key": r.key, "values": r.values} for r in found.preview),
    )


def _finding(found: FileProblem | Notice) -> Finding:
    return Finding(found.row, found.rule, found.column or "", found.message)


def _chunks(path: Path, scratch: ScratchFolder) -> Iterable[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    finally:
        scratch.__exit__(None, None, None)


def _pairs(given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        column, sign, value = text.partition("=")
        if not sign or not column:
            raise InputError(f"a filter is COLUMN=TEXT, not {text[:80]!r}")
        pairs[column] = value
    return pairs


SHOW = Question("classification.show", _show, FoundKey)
CHECK = Question("classification.check", _check, CheckAnswer, seconds=600)
REPORT: Question[Streamed[str]] = Question("classification.report", _report, Streamed, seconds=600)
APPLY = Question("classification.apply", _apply, str)
UNDO = Question("classification.undo", _undo, str)
DOWNLOAD: Question[Streamed[str]] = Question(
    "classification.download", _download, Streamed, seconds=3600
)
TEMPLATE: Question[Streamed[str]] = Question("classification.template", _template, Streamed)
QUESTIONS = (SHOW, CHECK, REPORT, APPLY, UNDO, DOWNLOAD, TEMPLATE)
