"""A specification looked at before anything comes of it: what an import would do, or everything that is wrong (F074, F075)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assets.collections.specification.report import PROBLEM_FIELDS, report_json
from assets.collections.taking import CheckedSpecification, check_specification, schema_of
from orchestration.location import Location
from orchestration.services.collections.declared import catalog_of, find_collection
from resources.collections.folders import check_folder
from resources.kernel.errors import NotFoundError


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
    spec, catalog = find_collection(location, name), catalog_of(location)
    if not path.is_file():
        raise NotFoundError(f"there is no file {str(path)!r}", hint="Check the path")
    where = spec.folder if folder is None else check_folder(folder)
    schema = schema_of(spec)
    return check_specification(catalog, spec, schema, path, path.name, where)


def checked_json(found: CheckedSpecification) -> dict[str, Any]:
    """Everything of a check, as JSON."""
    told = report_json(found.specification)
    told |= {"accepted": found.would is not None, "problem_count": found.problem_count}
    told["problems"] = [
        {name: getattr(problem, name) for name in PROBLEM_FIELDS} for problem in found.problems
    ]
    told["would"] = None if found.would is None else dict(found.would.counts)
    return told
