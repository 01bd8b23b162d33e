"""What a file would do to a set: the preview, which changes nothing (F132, F134)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.operations import Operations
from assets.classifications.parsing import parse
from assets.classifications.problems import BARE_KEY, FileProblem, Notice, Rejected
from assets.classifications.publishing import read_state
from assets.classifications.reading.arrays import to_arrow
from assets.classifications.reading.batch import ErrorReport
from assets.classifications.schema import KEY, ParseOptions
from assets.classifications.state import Changes, KeyChanges, apply
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.tables import TableStore

Outcome = Literal["applied", "rejected"]

PREVIEW_ROWS = 10


@dataclass(frozen=True)
class PreviewRow:
    """What will be stored of a key.

    Args:
        row: of the file that decided.
        key: as it will be stored.
        values: by column; None if the key will not be in the set.
    """

    row: int
    key: str
    values: Mapping[str, Any] | None


@dataclass(frozen=True)
class FileCheck:
    """What a check found.

    Args:
        outcome: `applied` if nothing stands against it.
        errors: in file order; not all of them are listed where there are very many.
        error_count: exact number of errors.
        warnings: in file order.
        changes: counts and first examples; all zero for a rejected file.
        lines: records of the file.
        warning_counts: exact number of warnings by rule; not all of them are listed where there are very many.
        preview: the first rows of the file, as they will be stored.
    """

    outcome: Outcome
    errors: tuple[FileProblem, ...] = ()
    error_count: int = 0
    warnings: tuple[Notice, ...] = ()
    changes: Changes = field(default_factory=Changes)
    lines: int = 0
    warning_counts: Mapping[str, int] = field(default_factory=dict)
    preview: tuple[PreviewRow, ...] = ()

    @property
    def warning_count(self) -> int:
        """All warnings, also those that are not listed."""
        return sum(self.warning_counts.values())

    def to_json(self) -> dict[str, Any]:
        """The answer of `check --json`; `complete` is there, and false, if the lists end before their end."""
        listed = (len(self.errors), len(self.warnings))
        is_complete = listed == (self.error_count, self.warning_count)
        return {
            "outcome": self.outcome,
            "error_count": self.error_count,
            "errors": [finding_json(problem) for problem in self.errors],
            "warning_count": self.warning_count,
            "warnings": [finding_json(notice) for notice in self.warnings],
            "changes": changes_json(self.changes, self.lines),
            "preview": [
                {"row": row.row, "key": row.key, "values": row.values} for row in self.preview
            ],
            **({} if is_complete else {"complete": False}),
        }


def check_file(
    catalog: ClassificationCatalog,
    store: TableStore,
    spec: ClassificationSpec,
    stream: BinaryIO,
    *,
    file_name: str,
    options: ParseOptions,
    report: ErrorReport | None = None,
) -> FileCheck:
    """Reads the whole file and compares it with what is stored; `report` takes every error.

    Raises:
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    catalog.check_columns(spec.name, spec.columns)
    parsed = parse(stream, file_name=file_name, schema=spec.schema, options=options, report=report)
    if isinstance(parsed, Rejected):
        return FileCheck(
            "rejected",
            parsed.problems,
            parsed.problem_count,
            parsed.warnings,
            warning_counts=parsed.warning_counts,
        )
    state = read_state(catalog, store, spec, parsed.keys)
    after, changes = apply(state.table, parsed)
    return FileCheck(
        "applied",
        warnings=all_warnings(parsed, changes),
        changes=changes,
        lines=parsed.line_count,
        warning_counts=all_warning_counts(parsed, changes),
        preview=_preview(parsed, after),
    )


def all_warnings(parsed: Operations, changes: Changes) -> tuple[Notice, ...]:
    """What the file and what it does give rise to, in file order."""
    if not changes.notices:
        return parsed.warnings
    return tuple(sorted([*parsed.warnings, *changes.notices], key=lambda notice: notice.row))


def all_warning_counts(parsed: Operations, changes: Changes) -> dict[str, int]:
    """Exact numbers of `all_warnings`, by rule."""
    bare = {BARE_KEY: changes.notice_count} if changes.notice_count else {}
    return {**parsed.warning_counts, **bare}


def _preview(parsed: Operations, after: pa.Table) -> tuple[PreviewRow, ...]:
    rows = np.frombuffer(parsed.rows.buffers()[1], np.int32, len(parsed.rows))
    first = np.argsort(rows)[:PREVIEW_ROWS]
    keys = parsed.keys.take(to_arrow(first))
    found = after.filter(pc.is_in(after.column(KEY), value_set=keys)).to_pylist()
    stored = {row.pop(KEY): row for row in found}
    return tuple(
        PreviewRow(row, key, stored.get(key))
        for row, key in zip(rows[first].tolist(), keys.to_pylist(), strict=True)
    )


def changes_json(changes: Changes, lines: int) -> dict[str, Any]:
    """Changes as JSON: a count for each kind, first keys and values as examples."""
    kinds: dict[str, KeyChanges] = {
        "new": changes.new,
        "updated": changes.updated,
        "cleared": changes.cleared,
        "deleted": changes.deleted,
    }
    return {
        **{name: kind.count for name, kind in kinds.items()},
        "unchanged": changes.unchanged_count,
        "absent": changes.absent_count,
        "lines": lines,
        "modified_lines": changes.modified_lines,
        "lines_without_effect": changes.lines_without_effect,
        "examples": {name: list(kind.sample) for name, kind in kinds.items()},
        "values": [
            {"key": v.key, "column": v.column, "before": v.before, "after": v.after}
            for v in changes.values
        ],
    }


def finding_json(found: FileProblem | Notice) -> dict[str, Any]:
    """An error or a warning as JSON."""
    place = {} if found.column is None else {"column": found.column}
    return {"row": found.row, "rule": found.rule, **place, "message": found.message}
