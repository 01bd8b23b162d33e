"""Why a column that looks like numbers or dates stayed text, or a value was refused: the first value against it."""

from __future__ import annotations

import pyarrow as pa

from resources.formats.csv.chunks import CsvChunk
from resources.formats.csv.parse import ColumnLayout, line_of_record
from resources.formats.text_types.bad_values import BadValue, first_bad_value
from resources.formats.text_types.evidence import TRIED, TextType, ValueKind
from resources.formats.text_types.rule import TypingRule, convert, fit
from resources.kernel.records import Guess

NULL_MARKERS = frozenset(
    [
        "NULL",
        "null",
        "Null",
        "\\N",
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "None",
        "NaN",
        "nan",
        "-",
        "--",
        ".",
    ]
)
"""What programs write where there is no value: a hint only, nothing is read as null for it."""


def explain_text(texts: pa.Array, rule: TypingRule) -> BadValue:
    """The value that makes a typed-looking column text: the first against the kind that held longest."""
    bad = [
        first_bad_value(texts, lambda part, kind=kind: _fits(part, kind, rule))  # type: ignore[misc] # mypy: defaults
        for kind in TRIED
    ]
    return max(bad, key=lambda value: value.index)


def explain_misfit(texts: pa.Array, column_type: TextType, rule: TypingRule) -> BadValue:
    """The first value that is not of the planned type."""
    return first_bad_value(texts, lambda part: convert(part, column_type, rule) is not None)


def _fits(texts: pa.Array, kind: ValueKind, rule: TypingRule) -> bool:
    return texts.null_count == len(texts) or fit(texts, kind, rule) is not None


def type_guess(
    name: str, decided: str, bad: BadValue, *, chunk: CsvChunk, layout: ColumnLayout
) -> Guess:
    """What the metadata says about a column that one value made wider."""
    line = line_of_record(chunk, layout, bad.index)
    trait = f" ({bad.trait})" if bad.trait else ""
    reason = f"{bad.shown}{trait} in {layout.file.name}, line {line}"
    override = "null_values" if bad.text in NULL_MARKERS else "types"
    return Guess(f"type of {name!r}", decided, reason, override)
