"""Questions about imports into collections: specifications checked, made and kept, imports begun and gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.collections.checks import (
    SpecificationCheck,
    check_kept,
    problems_csv,
)
from orchestration.services.collections.import_runs import (
    ImportChoice,
    ResumeChoice,
    StartedImport,
    start_import,
    start_resume,
)
from orchestration.services.collections.making import (
    KeptListing,
    MakeChoice,
    keep_made,
    make_from_listing,
)
from orchestration.services.collections.specifications import (
    KeptSpecification,
    keep_from_connector,
)
from orchestration.services.paging import LIMIT
from resources.kernel.errors import NotFoundError

SECONDS = 600.0
"""A specification of 1 GB is read whole, and looked up in what is there."""
LIST_SECONDS = 3_600.0
"""A bucket is listed, and with `probe` its objects are read."""


@dataclass(frozen=True)
class SentSpecification:
    """A specification that is kept, and where its items go."""

    sha256: str
    file_name: str
    folder: str | None = None

    @property
    def kept(self) -> KeptSpecification:
        """As services take it."""
        return KeptSpecification(self.sha256, self.file_name)


def _check(
    desk: Desk, name: str, sent: dict[str, Any], after: int = 0, limit: int = LIMIT
) -> SpecificationCheck:
    given = SentSpecification(**sent)
    return check_kept(
        desk.location, name, given.kept, folder=given.folder, after=after, limit=limit
    )


def _problems(desk: Desk, name: str, sent: dict[str, Any]) -> Streamed[str]:
    given = SentSpecification(**sent)
    lines = problems_csv(desk.location, name, given.kept)
    first = next(lines)  # what is wrong with the request is told before a byte is sent
    chunks = (line.encode() for part in ((first,), lines) for line in part)
    return Streamed(f"{Path(given.file_name).stem}-problems.csv", chunks)


def _start(
    desk: Desk, name: str, sent: dict[str, Any], ignore_errors: bool = False, key: str = ""
) -> StartedImport:
    given = SentSpecification(**sent)
    choice = ImportChoice(given.folder, ignore_errors)
    return start_import(desk.workplace(key), name, given.kept, choice)


def _resume(
    desk: Desk, import_id: int, name: str, choice: dict[str, bool], key: str = ""
) -> StartedImport:
    return start_resume(desk.workplace(key), import_id, ResumeChoice(**choice), name)


def _keep(desk: Desk, name: str, connector: str, object_key: str) -> KeptSpecification:
    return keep_from_connector(desk.location, name, connector, object_key)


def _make(desk: Desk, choice: dict[str, Any]) -> KeptListing:
    wanted = _choice(choice)
    return keep_made(make_from_listing(desk.location, wanted), wanted)


def _make_file(desk: Desk, choice: dict[str, Any], number: int) -> Streamed[str]:
    wanted = _choice(choice)
    made = make_from_listing(desk.location, wanted)
    if not 1 <= number <= len(made.files):
        raise NotFoundError(f"{len(made.files):,} files are made of it, not {number:,}")
    return Streamed(wanted.file_name(number), made.files[number - 1].chunks())


def _choice(given: dict[str, Any]) -> MakeChoice:
    globs = {name: tuple(given.get(name, ())) for name in ("include", "exclude")}
    return MakeChoice(**{**given, **globs})


CHECK = Question("collection_imports.check", _check, SpecificationCheck, seconds=SECONDS)
PROBLEMS: Question[Streamed[str]] = Question(
    "collection_imports.problems", _problems, Streamed, seconds=SECONDS
)
START = Question("collection_imports.start", _start, StartedImport)
RESUME = Question("collection_imports.resume", _resume, StartedImport)
KEEP = Question("collection_imports.keep", _keep, KeptSpecification, seconds=SECONDS)
MAKE = Question("collection_imports.make", _make, KeptListing, seconds=LIST_SECONDS)
MAKE_FILE: Question[Streamed[str]] = Question(
    "collection_imports.make_file", _make_file, Streamed, seconds=LIST_SECONDS
)
QUESTIONS = (CHECK, PROBLEMS, START, RESUME, KEEP, MAKE, MAKE_FILE)
