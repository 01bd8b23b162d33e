"""A task of classification files into a set: one after the other, in their order, each as a whole or not at all.

A file that was taken stays taken, whatever becomes of the others: a set has a line of history for each, and a way back.
"""

from __future__ import annotations

from assets.classifications.applying import (
    Applied,
    FileOrder,
    RejectedFileError,
    apply_file,
    reject_file,
    too_large,
)
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.schema import ParseOptions
from assets.task_run import TaskRun
from resources.sources.whole_files import BroughtFile
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.stores.tables import TableStore
from resources.stores.uploads import open_regular


def apply_files(
    run: TaskRun,
    catalog: ClassificationCatalog,
    tables: TableStore,
    spec: ClassificationSpec,
    options: ParseOptions,
) -> Applied | None:
    """Applies the files of a task, and writes down what became of each at once. The caller holds the set's lock.

    Returns:
        What the last one did; None: there was none.

    Raises:
        RejectedFileError: a file with errors, where that is the end of all. Those before it have been applied.
        WaybillError: what all files share.
    """
    run.list_files()
    last = None
    for file in run.take(run.wanted()):
        order = FileOrder(
            run_id=f"task-{run.task.id}-{file.item.number}-{file.item.attempts}",
            file_name=file.item.name,
            sha256=file.sha256,
            size_bytes=file.size,
            author=run.task.asked_by,
            options=options,
        )
        try:
            last = _apply(catalog, tables, spec, file, order)
        except RejectedFileError as error:
            run.refuse(file.item, error)
        else:
            run.settle([_result(file, last)])
    return last


def _apply(
    catalog: ClassificationCatalog,
    tables: TableStore,
    spec: ClassificationSpec,
    file: BroughtFile,
    order: FileOrder,
) -> Applied:
    if file.size > spec.schema.max_bytes:
        return reject_file(catalog, spec, order, too_large(file.size, spec.schema.max_bytes))
    with open_regular(file.path) as stream:
        return apply_file(catalog, tables, spec, stream, order)


def _result(file: BroughtFile, applied: Applied) -> ItemResult:
    counts = applied.entry.facts.counts
    did = {name: counts.get(name, 0) for name in ("new", "updated", "deleted", "cleared")}
    if not any(did.values()):
        return file.result("skipped", "unchanged")
    message = ", ".join(f"{count:,} {name}" for name, count in did.items() if count)
    return file.result("done", "created" if did["new"] else "updated", message=message)
