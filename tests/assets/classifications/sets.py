"""A set with a column of every type, and short ways to check a file against it."""

from __future__ import annotations

import io

from assets.classifications.operations import Operations
from assets.classifications.parsing import parse
from assets.classifications.problems import Rejected
from assets.classifications.schema import ParseOptions, SetColumn, SetSchema
from tests.assets.classifications import reference

TYPES = {
    "Brand": "text",
    "Category": "text",
    "Stock": "integer",
    "Price": "float",
    "Tags": "list[string]",
}
SET = SetSchema(tuple(SetColumn(name, kind) for name, kind in TYPES.items()))


def check(content: bytes | str, file_name: str = "file.csv", **options) -> Operations | Rejected:
    """The outcome of a file against the set."""
    data = content.encode() if isinstance(content, str) else content
    return parse(io.BytesIO(data), file_name=file_name, schema=SET, options=ParseOptions(**options))


def problems(content: bytes | str, file_name: str = "file.csv", **options) -> list[tuple]:
    """Its problems as (row, rule, column)."""
    outcome = check(content, file_name, **options)
    if isinstance(outcome, Operations):
        return []
    return [(problem.row, problem.rule, problem.column) for problem in outcome.problems]


def effects(content: bytes | str, file_name: str = "file.csv", **options) -> dict[str, tuple]:
    """Its net effect: key -> (kind, values, cleared columns)."""
    outcome = check(content, file_name, **options)
    assert isinstance(outcome, Operations), outcome.problems
    return {key: (kind, values, cleared) for key, kind, values, cleared, *_ in _effects_of(outcome)}


def _effects_of(outcome: Operations) -> list[tuple]:
    columns = zip(
        outcome.keys, outcome.deleted, outcome.creates, outcome.rows, outcome.lines, strict=True
    )
    found = []
    for place, (key, deleted, creates, row, lines) in enumerate(columns):
        kind = "delete" if deleted.as_py() else "update" if creates.as_py() else "clear"
        values = {name: array[place].as_py() for name, array in outcome.values.items()}
        values = {name: value for name, value in values.items() if value is not None}
        cleared = {name for name, flags in outcome.cleared.items() if flags[place].as_py()}
        found.append((key.as_py(), kind, values, cleared, row.as_py(), lines.as_py()))
    return found


def assert_like_reference(data: bytes, file_name: str, piece_bytes: int, **options) -> None:
    """The product and the reference agree on errors, warnings and effects."""
    outcome = check(data, file_name, piece_bytes=piece_bytes, **options)
    names = {"list_delimiter": "delimiter"}
    expected = reference.check(
        data, file_name, TYPES, **{names.get(name, name): value for name, value in options.items()}
    )
    if isinstance(outcome, Rejected):
        found = [(problem.row, problem.rule, problem.column) for problem in outcome.problems]
        assert found == expected.problems
    else:
        assert expected.problems == []
        kinds = {
            "update": "update",
            "delete-field": "clear",
            "delete-key": "delete",
        }
        wanted = [
            (key, kinds[effect.kind], effect.values, effect.cleared, effect.row, effect.lines)
            for key, effect in sorted(expected.effects.items(), key=lambda item: item[0].encode())
        ]
        assert _effects_of(outcome) == wanted
        assert (outcome.line_count, outcome.superseded_count) == (
            expected.line_count,
            expected.superseded,
        )
    found = sorted((notice.row, notice.rule) for notice in outcome.warnings)
    assert found == sorted(expected.warnings)
    assert sum(outcome.warning_counts.values()) == len(expected.warnings)
