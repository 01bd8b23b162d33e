"""A specification looked at before anything comes of it: what an import would do, or everything that is wrong (F074, F075)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from assets.collections.specification.report import (
    PROBLEM_FIELDS,
    problem_lines,
    report_json,
    report_lines,
)
from assets.collections.taking import CheckedSpecification, check_specification, effective_schema
from orchestration.location import Location
from orchestration.services.collections.declared import catalog_of, find_collection
from orchestration.services.collections.specifications import KeptSpecification
from orchestration.services.paging import LIMIT
from resources.collections.folders import check_folder
from resources.kernel.errors import NotFoundError
from resources.stores.uploads import UploadStore


@dataclass(frozen=True)
class SpecificationProblem:
    """One thing that is wrong with a specification."""

    at: str
    """A JSON pointer, or the row of a CSV file; empty: the file as a whole."""
    rule: str
    message: str
    hint: str


@dataclass(frozen=True)
class SpecificationCheck:
    """What an import of a specification would do, or what is wrong with it; nothing was done."""

    upload: str
    """SHA-256 under which the file is kept: an import takes it."""
    file_name: str
    folder: str
    """Where its items would go."""
    accepted: bool
    format: str
    """`json` or `csv`; empty: that could not be told."""
    skip_duplicate_urls: bool
    upsert_metadata: bool
    items: Mapping[str, int]
    """By type."""
    urls: Mapping[str, int]
    """By type."""
    would: Mapping[str, Mapping[str, int]]
    """Items by type, by what would become of them: created, skipped, updated, retried. Empty of a refused file."""
    says: tuple[str, ...]
    """What is to be known of it, in sentences: defaults that apply, vectors that are not declared."""
    problem_count: int
    problems_by_rule: Mapping[str, int]
    problems: tuple[SpecificationProblem, ...]
    """A page of them, in the order of the file."""
    next: int | None
    """Ask with `after` this number for the next page; None at the end."""


def check_file(
    location: Location, name: str, path: Path, *, folder: str | None = None
) -> CheckedSpecification:
    """Reads a specification whole and says what an import into a collection would do; changes nothing.

    Args:
        location: the code location.
        name: of the collection.
        path: the file.
        folder: where items would go; where the collection says when None.

    Raises:
        UnknownNameError: no such collection.
        NotFoundError: no such file.
        InputError: a folder that cannot be.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {str(path)!r}", hint="Check the path")
    return _check(location, name, path, path.name, folder)


def check_kept(
    location: Location,
    name: str,
    given: KeptSpecification,
    *,
    folder: str | None = None,
    after: int = 0,
    limit: int = LIMIT,
) -> SpecificationCheck:
    """The same for a specification that is kept, with a page of its problems.

    Args:
        location: the code location.
        name: of the collection.
        given: the file.
        folder: where items would go; where the collection says when None.
        after: problems behind this many.
        limit: most problems.

    Raises:
        UnknownNameError: no such collection.
        GoneError: the file is not kept any longer.
        InputError: a folder that cannot be.
    """
    with _kept(given) as path:
        found = _check(location, name, path, given.file_name, folder)
        problems = tuple(islice(all_problems(found), after, after + limit))
    where = find_collection(location, name).folder if folder is None else check_folder(folder)
    more = after + len(problems)
    report = report_json(found.specification)
    return SpecificationCheck(
        upload=given.sha256,
        file_name=given.file_name,
        folder=where,
        accepted=found.would is not None,
        format=found.specification.format or "",
        skip_duplicate_urls=report["skip_duplicate_urls"],
        upsert_metadata=report["upsert_metadata"],
        items=report["items"],
        urls=report["urls"],
        would={} if found.would is None else {str(k): v for k, v in found.would.counts.items()},
        says=tuple(report_lines(found.specification)),
        problem_count=found.problem_count,
        problems_by_rule=_by_rule(found),
        problems=problems,
        next=more if problems and more < found.problem_count else None,
    )


def problems_csv(location: Location, name: str, given: KeptSpecification) -> Iterator[str]:
    """Every problem of a kept specification as CSV, a line each below a header.

    Raises:
        UnknownNameError: no such collection.
        GoneError: the file is not kept any longer.
    """
    with _kept(given) as path:
        found = _check(location, name, path, given.file_name, None)
        yield from problem_lines(all_problems(found))


def all_problems(found: CheckedSpecification) -> Iterator[SpecificationProblem]:
    """Every problem of a checked specification, those too that are not listed, while its file is there."""
    listed = found.problems
    if len(listed) == found.problem_count:
        yield from (_problem(one) for one in listed)
    else:
        yield from (_problem(one) for one in found.specification.all_problems())


def checked_json(found: CheckedSpecification) -> dict[str, Any]:
    """Everything of a check, as JSON."""
    told = report_json(found.specification)
    told |= {"accepted": found.would is not None, "problem_count": found.problem_count}
    told["problems"] = [asdict(_problem(problem)) for problem in found.problems]
    told["would"] = None if found.would is None else dict(found.would.counts)
    return told


def _kept(given: KeptSpecification) -> AbstractContextManager[Path]:
    return UploadStore.open().read(given.sha256)


def _check(
    location: Location, name: str, path: Path, file_name: str, folder: str | None
) -> CheckedSpecification:
    spec, catalog = find_collection(location, name), catalog_of(location)
    where = spec.folder if folder is None else check_folder(folder)
    schema = effective_schema(spec, catalog)
    return check_specification(catalog, spec, schema, path, file_name, where)


def _by_rule(found: CheckedSpecification) -> Mapping[str, int]:
    told = dict(found.specification.problem_counts)
    if (
        not told and found.problems
    ):  # what the collection refuses of a specification that is right in itself
        told = {found.problems[0].rule: found.problem_count}
    return told


def _problem(given: Any) -> SpecificationProblem:
    return SpecificationProblem(**{name: getattr(given, name) for name in PROBLEM_FIELDS})
