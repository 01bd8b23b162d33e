"""How the answers of `waybill classification` look at a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from orchestration.cli.errors import fail
from orchestration.cli.output import print_facts, print_json, print_table, to_size, visible

if TYPE_CHECKING:
    from assets.classifications.checking import FileCheck
    from orchestration.services.classification_history import HistoryLine, RejectedFile
    from orchestration.services.classification_runs import TakenFile

SHOWN_FINDINGS = 50
SHOWN_KEYS = 10


def print_check(found: FileCheck) -> None:
    """What a file would do: counts, its first rows, what changes, what is wrong."""
    changes = found.changes
    facts: list[tuple[str, object]] = [("outcome", found.outcome)]
    if found.outcome == "applied":
        facts += [
            ("lines", found.lines),
            ("new keys", changes.new.count),
            ("updated keys", changes.updated.count),
            ("cleared keys", changes.cleared.count),
            ("deleted keys", changes.deleted.count),
            ("unchanged keys", changes.unchanged_count),
            ("absent keys", changes.absent_count or None),
        ]
    else:
        facts.append(("errors", found.error_count))
    facts.append(("warnings", found.warning_count))
    print_facts(facts)
    _print_preview(found)
    _print_values(found)
    totals = ((found.errors, found.error_count), (found.warnings, found.warning_count))
    for findings, total in totals:
        if findings:
            typer.echo()
            print_findings([(f.row, f.rule, f.column, f.message) for f in findings], total)


def print_taken(done: TakenFile, *, as_json: bool) -> None:
    """What an apply or an undo did; ends the command with 1 for a rejected file."""
    from assets.classifications.applying import count_errors

    if as_json:
        print_json(done)
    else:
        print_facts(
            [
                ("outcome", done.outcome),
                ("version", done.version),
                *((name.replace("_", " "), count) for name, count in done.counts.items()),
                ("run", done.run_id),
            ]
        )
        for findings, kind in ((done.errors, "errors"), (done.warnings, "warnings")):
            if findings:
                typer.echo()
                print_findings(
                    [(f["row"], f["rule"], f.get("column"), f["message"]) for f in findings],
                    done.counts.get(kind, len(findings)),
                )
    if done.outcome == "rejected":
        errors = count_errors(done.counts.get("errors", 0))
        fail(f"the file was rejected: {errors}; nothing was applied")


def print_history(found: Sequence[HistoryLine], limit: int, *, of_all_sets: bool) -> None:
    """A line a file; the set's name where there are several."""
    names = ("set",) if of_all_sets else ()
    header = ("at (UTC)", *names, "state", "file", "reason", "author", "version")
    counts = ("lines", "modified", "no effect", "size", "run")
    rows = [
        (
            line.at,
            *((line.set_name,) if of_all_sets else ()),
            line.state,
            line.file,
            line.reason,
            line.author,
            line.version,
            line.lines,
            line.modified_lines,
            line.lines_without_effect,
            to_size(line.size_bytes),
            line.run_id,
        )
        for line in found
    ]
    print_table((*header, *counts), rows)
    if len(found) == limit:
        typer.echo(f"the newest {limit:,}; --limit shows more")


def print_errors(found: RejectedFile) -> None:
    """The errors that the history keeps of a file."""
    print_facts(
        [
            ("file", found.file),
            ("at (UTC)", found.at),
            ("run", found.run_id),
            ("errors", found.error_count),
        ]
    )
    typer.echo()
    for error in found.errors:
        typer.echo(_finding(error["row"], error["rule"], error.get("column"), error["message"]))
    if len(found.errors) < found.error_count:
        typer.echo(
            f"… the history keeps the first {len(found.errors):,};"
            " `check` of the file, or of its --object, with --report FILE writes all"
        )


def print_findings(findings: Sequence[tuple[int, str, str | None, str]], total: int) -> None:
    """Errors or warnings, the first of `total`."""
    for finding in findings[:SHOWN_FINDINGS]:
        typer.echo(_finding(*finding))
    missing = total - min(len(findings), SHOWN_FINDINGS)
    if missing:
        typer.echo(f"… and {missing:,} more; `check --report FILE` writes every error")


def shown(value: object) -> object:
    """A value as a person reads it: a list so that its elements can be told apart."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "null" if value is None else value


def _finding(row: int, rule: str, column: str | None, message: str) -> str:
    place = f"row {row}" if column is None else f"row {row}, column {column}"
    return visible(f"{place}: {message} ({rule})")


def _print_preview(found: FileCheck) -> None:
    """The first rows of the file as they will be stored: what a wrong encoding does is seen before it counts."""
    if not found.preview:
        return
    columns = next((list(row.values) for row in found.preview if row.values is not None), [])
    rows = [
        (
            str(row.row),
            row.key,
            *(
                [_stored(row.values.get(c)) for c in columns]
                if row.values is not None
                else ["not stored"]
            ),
            *([""] * (len(columns) - 1) if row.values is None else []),
        )
        for row in found.preview
    ]
    typer.echo()
    print_table(("row", "Key", *columns), rows)


def _stored(value: object) -> str:
    return str(shown(value))


def _print_values(found: FileCheck) -> None:
    """The first values that change, and keys that come and go."""
    changes = found.changes
    for what, kind in (("new", changes.new), ("deleted", changes.deleted)):
        if kind.count:
            more = ", …" if kind.count > SHOWN_KEYS else ""
            typer.echo(visible(f"{what}: {', '.join(kind.sample[:SHOWN_KEYS])}{more}"))
    if changes.values:
        typer.echo()
        print_table(
            ("key", "column", "before", "after"),
            [
                (v.key, v.column, shown(v.before), shown(v.after))
                for v in changes.values[:SHOWN_KEYS]
            ],
        )
