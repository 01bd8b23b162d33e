"""What a file would do to a set: the preview, which changes nothing (F132, F134)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.parsing import parse
from assets.classifications.problems import Notice, Problem, Rejected
from assets.classifications.publishing import read_state
from assets.classifications.schema import ParseOptions
from assets.classifications.state import Changes, KeyChanges, apply
from resources.stores.catalog.classification_catalog import ClassificationCatalog
from resources.stores.tables import TableStore

Outcome = Literal["applied", "rejected"]


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Args:
        outcome: `applied` if nothing stands against it.
        errors: all of them, in file order.
        warnings: in file order.
        changes: counts and first examples; all zero for a rejected file.
        lines: records of the file.
        is_complete: False if there are more errors than a check lists.
        warning_counts: exact number of warnings by rule; not all of them are listed where there are very many.
    """

    outcome: Outcome
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Notice, ...] = ()
    changes: Changes = field(default_factory=Changes)
    lines: int = 0
    is_complete: bool = True
    warning_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def warning_count(self) -> int:
        """All warnings, also those that are not listed."""
        return sum(self.warning_counts.values())

    def to_json(self) -> dict[str, Any]:
        """The answer of `check --json`; `complete` is there, and false, if the lists end before their end."""
        is_complete = self.is_complete and len(self.warnings) == self.warning_count
        return {
            "outcome": self.outcome,
            "errors": [finding_json(problem) for problem in self.errors],
            "warnings": [finding_json(notice) for notice in self.warnings],
            "changes": changes_json(self.changes, self.lines),
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
) -> CheckResult:
    """Reads the whole file and compares it with what is stored.

    Raises:
        SchemaMismatchError: the declaration lost or retyped a column that is stored.
    """
    catalog.check_columns(spec.name, spec.columns)
    parsed = parse(stream, file_name=file_name, schema=spec.schema, options=options)
    if isinstance(parsed, Rejected):
        return CheckResult(
            "rejected",
            parsed.problems,
            parsed.warnings,
            is_complete=parsed.is_complete,
            warning_counts=parsed.warning_counts,
        )
    state = read_state(catalog, store, spec, parsed.keys)
    _, changes = apply(state.table, parsed)
    return CheckResult(
        "applied",
        warnings=parsed.warnings,
        changes=changes,
        lines=parsed.line_count,
        warning_counts=parsed.warning_counts,
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
        "lines": lines,
        "modified_lines": changes.modified_lines,
        "lines_without_effect": changes.lines_without_effect,
        "examples": {name: list(kind.sample) for name, kind in kinds.items()},
        "values": [
            {"key": v.key, "column": v.column, "before": v.before, "after": v.after}
            for v in changes.values
        ],
    }


def finding_json(found: Problem | Notice) -> dict[str, Any]:
    """An error or a warning as JSON."""
    place = {} if found.column is None else {"column": found.column}
    return {"row": found.row, "rule": found.rule, **place, "message": found.message}
