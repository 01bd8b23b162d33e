"""Numbers that may be meant as something else, said in the guesses: versions and codes, thousands written with a point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.formats.csv.plan import CsvPlan
from resources.formats.text_types.evidence import ValueKind
from resources.kernel.records import Guess

_THOUSANDS = r"^-?[1-9]\d{0,2}\.\d{3}$"
_DECIMAL_COMMA_COUNTRIES = ";"
_MOST_GUESSES = 20


def find_lookalikes(texts: pa.RecordBatch, plan: CsvPlan, separator: str) -> list[Guess]:
    """What is said about columns of numbers in the first rows."""
    return list(_look(texts, plan, separator))[:_MOST_GUESSES]


def _look(texts: pa.RecordBatch, plan: CsvPlan, separator: str) -> Iterator[Guess]:
    if not plan.rule.hasplain_numbers():
        return
    present = frozenset(texts.schema.names)
    for name, column_type in zip(plan.names, plan.types, strict=True):
        is_settled = name in plan.given or name in plan.own_marks
        if column_type.kind != ValueKind.NUMBER or is_settled or name not in present:
            continue
        column = texts.column(name).drop_null()
        subject = f"type of {name!r}"
        if separator == _DECIMAL_COMMA_COUNTRIES and _may_be_thousands(column):
            value = column[0].as_py()
            reason = f"every value has three digits behind the point, as {value!r}; they may be thousands"
            yield Guess(subject, str(column_type), reason, "decimal_mark")
        elif (pair := _two_of_one_number(column)) is not None:
            reason = f"{pair[0]!r} and {pair[1]!r} become one number; versions and codes are text"
            yield Guess(subject, str(column_type), reason, "types")


def _may_be_thousands(column: pa.Array) -> bool:
    return len(column) > 0 and bool(pc.all(pc.match_substring_regex(column, _THOUSANDS)).as_py())


def _two_of_one_number(column: pa.Array) -> tuple[str, str] | None:
    """Two texts of one number, in the order of the rows: `1.10` and `1.1`."""
    different = column.unique()
    numbers = different.cast(pa.float64()).to_numpy()
    order = np.argsort(numbers, kind="stable")
    places = np.flatnonzero(np.diff(numbers[order]) == 0)
    if not len(places):
        return None
    first, second = order[places[0]], order[places[0] + 1]
    return different[int(first)].as_py(), different[int(second)].as_py()
