"""What a file would do to a classification set, and all that is wrong with it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.classifications.applying import too_large
from assets.classifications.checking import FileCheck, check_file
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.reporting import Report, open_report
from assets.classifications.schema import ParseOptions
from orchestration.location import Location
from orchestration.services.classification_runs import StagedFile
from orchestration.services.classifications import ReadingChoice, catalog_of, find_set
from resources.kernel.errors import ConfigError, InputError
from resources.scratch import ScratchFolder
from resources.stores.uploads import UploadStore, open_regular


def check(
    location: Location, name: str, path: Path, choice: ReadingChoice, report: Path | None = None
) -> FileCheck:
    """What a file would do. Changes nothing, keeps nothing of it; writes every error to `report`.

    Raises:
        UnknownNameError: no such set.
        InputError: the file cannot be read, or the report cannot be written.
    """
    spec = find_set(location, name)
    return _check(location, spec, path, choice.options(spec), report)


def check_object(
    location: Location, name: str, key: str, choice: ReadingChoice, report: Path | None = None
) -> FileCheck:
    """The same for a file in the place that the set watches.

    Raises:
        UnknownNameError: no such set.
        ConfigError: the set watches no place.
        NotFoundError: there is no such file.
        InputError: the report cannot be written.
    """
    spec = find_set(location, name)
    options = choice.options(spec)
    if spec.files is None:
        raise ConfigError(
            f"classification set {name} watches no place, so it has no object {key!r}",
            hint="Name a file of this machine",
        )
    connector = location.connectors()[spec.files.connector].files()
    found = connector.stat(key)
    if found.size_bytes > options.max_bytes:
        refused = too_large(found.size_bytes, options.max_bytes)
        return FileCheck("rejected", refused.problems, refused.problem_count)
    with (
        ScratchFolder("classification") as scratch,
        connector.local_copy(found, scratch.path) as path,
    ):
        return _check(location, spec, path, options, report, file_name=key)


def check_kept(
    location: Location,
    name: str,
    file: StagedFile,
    choice: ReadingChoice,
    report: Path | None = None,
) -> FileCheck:
    """The same for a file that is kept until a run takes it.

    Raises:
        UnknownNameError: no such set.
        GoneError: it is not kept any longer.
        InputError: the report cannot be written.
    """
    spec = find_set(location, name)
    with UploadStore.open().read(file.sha256) as path:
        return _check(location, spec, path, choice.options(spec), report, file_name=file.name)


def _check(
    location: Location,
    spec: ClassificationSpec,
    path: Path,
    options: ParseOptions,
    report: Path | None,
    file_name: str = "",
) -> FileCheck:
    with open_regular(path) as stream, _report_at(report) as errors:
        return check_file(
            catalog_of(location),
            location.store(),
            spec,
            stream,
            file_name=file_name or path.name,
            options=options,
            report=errors,
        )


@contextmanager
def _report_at(path: Path | None) -> Iterator[Report | None]:
    """A report that is there whole or not at all."""
    if path is None:
        yield None
        return
    scratch = path.with_name(f".{path.name}.part")
    try:
        with scratch.open("w", encoding="utf-8", newline="") as stream:
            report = open_report(path.name, stream)
            yield report
            report.finish()
        scratch.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        scratch.unlink(missing_ok=True)
