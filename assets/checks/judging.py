"""Who judges what: Waybill where its verdict is that of Great Expectations, the library where it is not."""

from __future__ import annotations

from collections.abc import Sequence

from assets.checks.expectations import Expectation, Verdict
from assets.checks.library import judge_by_library
from assets.checks.native import JUDGE, judge_natively
from resources.stores.tables import StoredTable


def evaluate(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict]:
    """Evaluates expectations over a stored table, reading only the columns that they name.

    One that cannot be evaluated, also since the library does not know it or refuses its arguments, fails with the reason; the others are
    judged all the same.
    """
    gone = [_gone(item, table) for item in expectations]
    there = [item for item, verdict in zip(expectations, gone, strict=True) if verdict is None]
    judged = iter(_judge(there, table))
    return [verdict or next(judged) for verdict in gone]


def _judge(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict]:
    found = judge_natively(expectations, table)
    left = [item for item, verdict in zip(expectations, found, strict=True) if verdict is None]
    by_library = iter(judge_by_library(left, table))
    return [verdict or next(by_library) for verdict in found]


def _gone(item: Expectation, table: StoredTable) -> Verdict | None:
    """That a column is not there, where an expectation needs it."""
    gone = [] if item.is_about_the_table else sorted({*item.columns}.difference(table.schema.names))
    if not gone:
        return None
    columns = ", ".join(table.schema.names[:30])
    return Verdict(
        passed=False,
        result={},
        judged_by=JUDGE,
        error=f"there is no column {', '.join(map(repr, gone))} any more; columns: {columns}",
    )
