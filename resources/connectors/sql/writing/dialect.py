"""What the planning of an export needs to know about a database, as plain facts and functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from resources.connectors.sql.names import Limit
from resources.connectors.sql.writing.arrival import Octets
from resources.connectors.sql.writing.columns import WrittenColumn, WrittenType


@dataclass(frozen=True)
class ExportDialect:
    """One kind of database.

    Args:
        title: its name in error texts.
        name_limit: longest name of a table or column.
        max_columns: most columns of a table (E24).
        column_type: how it holds an Arrow type; None when it has no form for it.
        takes: whether an existing column of a type may hold the values of a column: all of them, or those that a
            look at each value finds to fit.
        folds_case: whether names that differ in case alone are one name (E23).
        reserved_columns: names that no column may have.
        octets: how the lengths of stored texts and bytes are asked for.
    """

    title: str
    name_limit: Limit
    max_columns: int
    column_type: Callable[[pa.DataType], WrittenType | None]
    takes: Callable[[WrittenColumn, str], bool]
    folds_case: bool
    reserved_columns: frozenset[str] = frozenset()
    octets: Octets = lambda _kind, _quoted: None

    def fold(self, name: str) -> str:
        """`name` as the database compares it."""
        return name.casefold() if self.folds_case else name
