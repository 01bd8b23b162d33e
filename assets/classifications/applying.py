"""A file into a set, or a set back to an earlier version: one line of history, exactly once a run, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.checking import (
    all_warning_counts,
    all_warnings,
    changes_json,
    finding_json,
)
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.operations import Operations
from assets.classifications.parsing import parse
from assets.classifications.problems import RULES, FileProblem, Notice, Rejected
from assets.classifications.publishing import read_state
from assets.classifications.row_changes import row_changes
from assets.classifications.schema import KEY, ParseOptions
from assets.classifications.state import Changes, apply
from resources.kernel.errors import InputError
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.records import FileEntry, FileFacts, RowChanges
from resources.stores.tables import TableStore

FIRST_FINDINGS = 100
"""Errors and warnings kept with a file's line of history."""

_ERRORS_IN_MESSAGE = 3


class RejectedFileError(InputError):
    """A file with errors: nothing of it was applied (G11)."""


@dataclass(frozen=True)
class FileOrder:
    """A file to take, and for whom.

    Args:
        run_id: one run takes its file once.
        file_name: as its sender calls it; the ending decides the format.
        sha256: of its bytes.
        size_bytes: of the file.
        author: who sent it.
        options: how to read it.
        is_watched: it comes from the place that the set watches, by itself: the same content is taken once.
    """

    run_id: str
    file_name: str
    sha256: str
    size_bytes: int
    author: str
    options: ParseOptions
    is_watched: bool = False

    @property
    def read_as(self) -> dict[str, Any]:
        """How it is read, as the history keeps it."""
        return {
            "encoding": self.options.encoding.value,
            "list_delimiter": self.options.list_delimiter,
            "blank_clears": self.options.blank_clears,
        }

    def facts(self, counts: Mapping[str, int], details: Mapping[str, Any]) -> FileFacts:
        """What the history keeps."""
        return FileFacts(
            run_id=self.run_id,
            kind="file",
            name=self.file_name,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            author=self.author,
            counts=counts,
            details={**self.read_as, **details},
        )


@dataclass(frozen=True)
class Applied:
    """What became of an order.

    Args:
        entry: its line of history.
        rows: all rows of the set afterwards, if they are at hand: publishing then needs not read them again.
    """

    entry: FileEntry
    rows: pa.Table | None = None


def apply_file(
    catalog: ClassificationCatalog,
    store: TableStore,
    spec: ClassificationSpec,
    stream: BinaryIO,
    order: FileOrder,
) -> Applied:
    """Applies a file, or finds that this run has done so already. The caller holds the set's lock.

    Raises:
        RejectedFileError: it has errors; they are in the history.
        ConflictError: the set changed meanwhile in spite of the lock; trying again helps.
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    done = catalog.entry(spec.name, order.run_id)
    if done is not None:
        return Applied(_unless_rejected(done))
    catalog.check_columns(spec.name, spec.columns)
    if order.is_watched and (before := _taken_before(catalog, spec, order)):
        facts = order.facts({}, {"as_in_run": before.facts.run_id})
        return Applied(catalog.note(spec.name, spec.columns, facts, "skipped"))
    planned = _plan(catalog, store, spec, stream, order)
    if isinstance(planned, Rejected):
        return reject_file(catalog, spec, order, planned)
    entry = catalog.apply(
        spec.name,
        spec.columns,
        planned.changes,
        planned.facts,
        base_version=planned.base_version,
        keep=spec.keep_versions,
    )
    return Applied(entry, planned.whole)


def _taken_before(
    catalog: ClassificationCatalog, spec: ClassificationSpec, order: FileOrder
) -> FileEntry | None:
    """The line of history that says all that this file says, if the file was merely touched since.

    A rejected one is checked again: the set may have the column by now that it lacked.
    """
    last = catalog.last_of(spec.name, order.file_name, order.author)
    if last is None or last.outcome == "rejected" or last.facts.sha256 != order.sha256:
        return None
    is_read_alike = all(last.facts.details.get(name) == how for name, how in order.read_as.items())
    return last if is_read_alike else None


def reject_file(
    catalog: ClassificationCatalog, spec: ClassificationSpec, order: FileOrder, found: Rejected
) -> Applied:
    """Notes a rejected file in the history, and says so.

    Raises:
        RejectedFileError: unless this run has applied a file before.
    """
    facts = order.facts({"errors": found.problem_count}, _rejection(found))
    return Applied(_unless_rejected(catalog.note(spec.name, spec.columns, facts, "rejected")))


def too_large(size_bytes: int, limit: int) -> Rejected:
    """The verdict on a file that is not even fetched (G8)."""
    rule = "file_too_large"
    message = f"{RULES[rule]}: {size_bytes:,} bytes, {limit:,} are taken"
    return Rejected((FileProblem(0, rule, None, message),), 1)


def undo(
    catalog: ClassificationCatalog,
    store: TableStore,
    spec: ClassificationSpec,
    wanted: int,
    *,
    run_id: str,
    author: str,
) -> Applied:
    """Makes version `wanted` hold again, as a new version. The caller holds the set's lock.

    Raises:
        NotFoundError: no such version, or no longer.
    """
    done = catalog.entry(spec.name, run_id)
    if done is not None:
        return Applied(done)
    earlier = catalog.earlier(spec.name, spec.columns, wanted)
    pool = pa.default_memory_pool()
    pool.release_unused()  # what reading the way back is done with
    now = read_state(catalog, store, spec, earlier.keys).table
    if len(now) != len(earlier.keys) or not now.column(KEY).equals(
        pa.chunked_array([earlier.keys])
    ):
        now = now.filter(pc.is_in(now.column(KEY), earlier.keys))
    pool.release_unused()  # what the reader is done with, likewise
    changes = row_changes(now, earlier.table)
    facts = FileFacts(
        run_id=run_id,
        kind="undo",
        name=f"back to version {wanted}",
        sha256="",
        size_bytes=0,
        author=author,
        counts={
            "new": changes.new_count,
            "updated": changes.replaced_count,
            "deleted": len(changes.deleted),
        },
        details={"to_version": wanted},
    )
    base = earlier.stored.version
    return Applied(
        catalog.apply(
            spec.name, spec.columns, changes, facts, base_version=base, keep=spec.keep_versions
        )
    )


@dataclass(frozen=True)
class _Plan:
    changes: RowChanges
    facts: FileFacts
    base_version: int
    whole: pa.Table | None


def _plan(
    catalog: ClassificationCatalog,
    store: TableStore,
    spec: ClassificationSpec,
    stream: BinaryIO,
    order: FileOrder,
) -> _Plan | Rejected:
    """What a file changes; what was needed to find out is let go when this returns."""
    parsed = parse(stream, file_name=order.file_name, schema=spec.schema, options=order.options)
    if isinstance(parsed, Rejected):
        return parsed
    pool = pa.default_memory_pool()
    pool.release_unused()  # what the parser is done with: it would stay beside the rows until the end
    state = read_state(catalog, store, spec, parsed.keys)
    pool.release_unused()  # what the reader is done with, likewise
    after, changes = apply(state.table, parsed)
    facts = order.facts(_counts(parsed, changes), _details(parsed, changes))
    del parsed  # what differs is found without it
    pool.release_unused()
    return _Plan(
        changes=row_changes(state.table, after),
        facts=facts,
        base_version=state.stored.version if state.stored else 0,
        whole=after if state.is_whole else None,
    )


def _unless_rejected(entry: FileEntry) -> FileEntry:
    if entry.outcome != "rejected":
        return entry
    errors = entry.facts.details.get("errors", [])
    total = entry.facts.counts.get("errors", len(errors))
    shown = "; ".join(_short(error) for error in errors[:_ERRORS_IN_MESSAGE])
    raise RejectedFileError(
        f"{entry.facts.name[-80:]} was rejected, nothing was applied: {count_errors(total)}: {shown}",
        hint=f"`waybill classification errors --set {entry.set_name}` shows more,"
        " `check` with `--report FILE` writes all of them",
        errors=total,
        run_id=entry.facts.run_id,
    )


def count_errors(count: int) -> str:
    """How many errors, for people."""
    return "1 error" if count == 1 else f"{count:,} errors"


def _short(error: Mapping[str, Any]) -> str:
    column = f", column {error['column'][:40]}" if error.get("column") else ""
    return f"row {error['row']}{column}: {error['rule']}"


def _counts(parsed: Operations, changes: Changes) -> dict[str, int]:
    return {
        "lines": parsed.line_count,
        "modified_lines": changes.modified_lines,
        "lines_without_effect": changes.lines_without_effect,
        "new": changes.new.count,
        "updated": changes.updated.count,
        "cleared": changes.cleared.count,
        "deleted": changes.deleted.count,
        "unchanged": changes.unchanged_count,
        "absent": changes.absent_count,
        "warnings": sum(all_warning_counts(parsed, changes).values()),
    }


def _details(parsed: Operations, changes: Changes) -> dict[str, Any]:
    return {
        "warnings": _findings(all_warnings(parsed, changes)),
        "warning_counts": all_warning_counts(parsed, changes),
        "examples": changes_json(changes, parsed.line_count)["examples"],
    }


def _rejection(parsed: Rejected) -> dict[str, Any]:
    return {
        "errors": _findings(parsed.problems),
        "warnings": _findings(parsed.warnings),
    }


def _findings(found: tuple[FileProblem, ...] | tuple[Notice, ...]) -> list[dict[str, Any]]:
    return [finding_json(one) for one in found[:FIRST_FINDINGS]]
