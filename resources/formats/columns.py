"""Columns of several files as those of one table: the one rule of all formats for files that differ (E20).

By default all files must have the columns of the first, in any order. With `columns: union` a column that some files
lack is null in their rows. Either way the differences are told by the names of file and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resources.formats.options import ColumnsPolicy
from resources.kernel.errors import SchemaMismatchError

_LISTED = 5


@dataclass(frozen=True)
class Difference:
    """How the columns of one file differ from those of the table."""

    file: str
    first: str
    """The file that it is compared with."""
    missing: tuple[str, ...]
    added: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"lacks {listed(self.missing)}"] * bool(self.missing)
        parts += [f"has {listed(self.added)} besides"] * bool(self.added)
        return " and ".join(parts)

    def error(self) -> SchemaMismatchError:
        """What a file gets that does not belong to the others."""
        return SchemaMismatchError(
            f"{self.file} does not belong to the columns of {self.first}: it {self}",
            hint="Give `columns: union` to fill missing columns with nulls, narrow the path,"
            " or split the dataset",
            file=self.file,
            missing=list(self.missing),
            added=list(self.added),
        )

    def warning(self) -> str:
        """What a table of united columns says about the file."""
        return f"{self.file}: it {self}, compared with {self.first}; missing columns are null"


def compare_columns(
    first: str, expected: Sequence[str], file: str, names: Sequence[str]
) -> Difference | None:
    """How the columns `names` of `file` differ from the `expected` ones; None if they are the same in any order."""
    here, there = set(names), set(expected)
    missing = tuple(name for name in expected if name not in here)
    added = tuple(name for name in names if name not in there)
    return Difference(file, first, missing, added) if missing or added else None


def unite_columns(
    columns: Mapping[str, Sequence[str]], policy: ColumnsPolicy
) -> tuple[tuple[str, ...], list[str]]:
    """The columns of a table made of several files, and the warnings about files that differ from the first.

    Args:
        columns: names of the columns by the name of the file, in order.
        policy: what to do with files that differ.

    Raises:
        SchemaMismatchError: a file that differs, unless the policy is `union`.
    """
    names: dict[str, None] = {}
    warnings: list[str] = []
    first = next(iter(columns), "")
    for file, here in columns.items():
        difference = compare_columns(first, columns[first], file, here)
        if difference is not None:
            if policy == "same":
                raise difference.error()
            warnings.append(difference.warning())
        names.update(dict.fromkeys(here))
    return tuple(names), warnings


def listed(names: Sequence[str]) -> str:
    """Some names for an error text."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(repr(name) for name in names[:_LISTED]) + more
