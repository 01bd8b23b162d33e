"""A task of table files into a dataset: its files together become one version, or none of them does.

They are read as the files of an upload are, and kept as one once they were read: so what comes after (another upload, a
refresh, the page of the dataset) finds what it knows. A task that fails or is stopped leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from assets.datasets.importing import ImportOrder, ImportReport, import_table, imported_upload
from assets.task_run import TaskRun
from resources.formats.first_bytes import check_first_bytes
from resources.formats.left_out import reason_of
from resources.formats.registry import detect_format
from resources.kernel.errors import EmptySourceError, InputError, ParseError, WaybillError
from resources.kernel.records import BatchStream, ObjectInfo, StoredVersion
from resources.sources.local_copies import LocalCopies
from resources.sources.source import ObjectSource, OpenStream, Source
from resources.sources.spec import SourceSpec
from resources.sources.uploads import TASK, open_upload
from resources.sources.whole_files import BroughtFile
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.tables import TableStore


@dataclass(frozen=True)
class _Taken:
    """Hands out files that are here."""

    paths: Mapping[str, Path]
    parallel_copies: int = 4
    fetches: bool = False

    def local_copy(self, item: ObjectInfo, scratch: Path) -> nullcontext[Path]:  # noqa: ARG002 - as a connector has it
        return nullcontext(self.paths[item.key])


class TaskFiles(ObjectSource):
    """Files of a task that are here, as one table.

    Args:
        spec: how they are read.
        run: of the task.
        files: in any order; they are read in that of their names.
        tables: where they are kept in the end.
        objects: see `ObjectSource`.
        copies: see `ObjectSource`.
    """

    def __init__(
        self,
        spec: SourceSpec,
        run: TaskRun,
        files: Sequence[BroughtFile],
        tables: TableStore,
        objects: Sequence[ObjectInfo] | None = None,
        copies: LocalCopies | None = None,
    ) -> None:
        copier = _Taken({file.item.name: file.path for file in files})
        super().__init__(spec, copier, objects, copies)
        self.run = run
        self.files = files
        self._tables = tables

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"import task {self.run.task.id} for dataset {self.spec.name}"

    @property
    def origin(self) -> str:
        """What its files become."""
        return "upload"

    @property
    def options(self) -> Mapping[str, object]:
        """As they are declared, but for bad files: of these the task says what becomes of the others."""
        said = {"on_bad_file": "skip"} if self.run.task.definition.ignores_errors else {}
        return {**self.spec.options, **said}

    def facts(self) -> Mapping[str, object]:
        """What the task is."""
        return {"source": self.run.task.source, "files": len(self.files)}

    @contextmanager
    def open_streams(self) -> Iterator[OpenStream]:
        """One reader over all files; it ends where the task is to stop."""
        with super().open_streams() as open_stream:

            def open_checked() -> BatchStream:
                stream = open_stream()
                stream.batches = _checked(stream.batches, self.run.check)
                return stream

            yield open_checked

    def kept(self) -> Source:
        """The same files as an upload of the dataset."""
        task, given = self.run.task, sorted(self.files, key=lambda file: file.item.name)
        upload = KeptUploads(self._tables).keep(
            self.spec.name,
            [GivenFile(f.item.name, f.path, may_link=True, sha256=f.sha256) for f in given],
            upload_id=f"task-{task.id}-{self.run.context.run.run_id}",
            by=task.asked_by,
            tell=lambda _: self.run.check(),
        )
        return open_upload(self._tables, self.spec, asked=upload.number, task=task.id)

    def _find(self) -> list[ObjectInfo]:
        at = self.run.task.created_at
        found = [ObjectInfo(f.item.name, f.size, f.sha256, at) for f in self.files]
        return sorted(found, key=lambda one: one.key)

    def _with(
        self,
        objects: Sequence[ObjectInfo],
        copies: LocalCopies | None,
        left_out: Sequence[str],  # noqa: ARG002 - what is here is whole
    ) -> Self:
        return type(self)(self.spec, self.run, self.files, self._tables, objects, copies)


def import_files(
    run: TaskRun, tables: TableStore, spec: SourceSpec, order: ImportOrder
) -> tuple[Source, ImportReport]:
    """Imports the files of a task as the next version of its dataset, and writes down what became of each.

    Raises:
        WaybillError: a file that cannot be fetched or read, where that is the end of all; it is named, at its item too. Or what
            they share.
    """
    run.list_files()
    before = _newest(tables, order.key)
    wanted = run.wanted(settled_too=True)
    files = list(_readable(run, spec, run.take(wanted)))
    if len(files) * 2 < len(wanted):
        raise InputError(
            f"import task {run.task.id}: {len(wanted) - len(files):,} of its {len(wanted):,} files cannot be taken;"
            " at most half of them may be left out",
            hint="The list of its failures says why",
        )
    source, known = TaskFiles(spec, run, files, tables), _names_of(run, tables, spec.name, before)
    try:
        report = import_table(source, tables, _strict(order, source, before))
    except WaybillError as error:
        _blame(run, files, error)
        raise
    run.settle(list(_results(run, files, report, known)))
    return source, report


def _checked(
    batches: Iterator[pa.RecordBatch], check: Callable[[], None]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        check()
        yield batch


def _readable(
    run: TaskRun, spec: SourceSpec, files: Iterator[BroughtFile]
) -> Iterator[BroughtFile]:
    """Those whose name and first bytes say that they can be read, as files of one format."""
    kind = spec.format
    for file in files:
        name = file.item.name
        try:
            check_first_bytes(name, file.path, format=spec.format)
            found = spec.format or detect_format(name)
            kind = kind or found
            if found != kind:
                raise ParseError(
                    f"is of another format ({found}) than the files before it ({kind})", file=name
                )
        except EmptySourceError as error:
            run.refuse(file.item, error, "empty")
        except ParseError as error:
            run.refuse(file.item, error, "type_mismatch")
        except WaybillError as error:
            run.refuse(file.item, error, "format_not_taken")
        else:
            yield file


def _blame(run: TaskRun, files: Sequence[BroughtFile], error: WaybillError) -> None:
    """Writes an error that is about one file down at that file."""
    named = str(error.facts.get("file", ""))
    for file in files:
        if named == file.item.name or named.startswith(f"{file.item.name}/"):
            rule = "unreadable" if isinstance(error, ParseError) else "dataset_refused"
            run.settle([ItemResult(file.item.number, "failed", rule=rule, message=error.message)])


def _results(
    run: TaskRun, files: Sequence[BroughtFile], report: ImportReport, known: Mapping[str, str]
) -> Iterator[ItemResult]:
    """What became of each file; a version that this task made itself, before it was killed, is its own."""
    source: Any = report.version.properties["source"]
    is_known = report.unchanged and source.get(TASK) != run.task.id
    for file in files:
        name = file.item.name
        if reason := reason_of(name, _warnings(report)):
            yield file.result("failed", rule="unreadable", message=reason)
        elif is_known or known.get(name) == file.sha256:
            yield file.result("skipped", "unchanged")
        else:
            yield file.result("done", "updated" if name in known else "created")


def _warnings(report: ImportReport) -> Sequence[str]:
    """Those of the import that made the version, which may have been an earlier one."""
    kept: Any = report.version.properties.get("warnings", ())
    return [*report.warnings, *map(str, kept)]


def _newest(tables: TableStore, key: tuple[str, ...]) -> StoredVersion | None:
    return tables.item(key).latest() if imported_upload(tables, key) else None


def _strict(order: ImportOrder, source: TaskFiles, before: StoredVersion | None) -> ImportOrder:
    """Files of which the newest version has left some out are read anew by a task that takes all or none."""
    kept: Any = before.properties.get("warnings", ()) if before is not None else ()
    was_lenient = any(reason_of(file.item.name, map(str, kept)) for file in source.files)
    is_forced = was_lenient and not source.run.task.definition.ignores_errors
    return replace(order, force=True) if is_forced else order


def _names_of(
    run: TaskRun, tables: TableStore, name: str, version: StoredVersion | None
) -> Mapping[str, str]:
    """The files that the newest version was made of, by name: their SHA-256. What this task made itself does not count."""
    source: Any = version.properties["source"] if version is not None else {}
    if not source or source.get(TASK) == run.task.id:
        return {}
    upload = KeptUploads(tables).find(name, source["upload"])
    if upload is None:
        return {}
    return {file.name: file.sha256 for file in upload.files}
