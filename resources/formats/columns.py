"""Columns of several files as those of one table: the one rule of all formats for files that differ (E20).

By default all files must have the same columns, in any order. Which file is the odd one does not depend on the names:
the columns that most files have are the usual ones, and of equally many those of the first. With `columns: union` a
column that some files lack is null in their rows. Either way the differences are told by the names of file and column.

A file of another shape is never left out: `on_bad_file: skip` is for files that cannot be read (see `left_out`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from resources.formats.options import ColumnsPolicy
from resources.kernel.errors import SchemaMismatchError

_LISTED = 5
Shape = TypeVar("Shape", bound=Hashable)


@dataclass(frozen=True)
class Usual:
    """The file that stands for most others."""

    file: str
    count: int
    """Files of its shape, itself included."""

    def __str__(self) -> str:
        others = self.count - 1
        return f"{self.file} and {others:,} other file{'s' * (others > 1)}" if others else self.file


def find_usual(shapes: Mapping[str, Shape]) -> Usual:
    """The first file of the shape that most files have; of equally frequent shapes the one that comes first.

    Args:
        shapes: what counts as the shape of a file, by its name: a set of columns, a type.
    """
    counts: dict[Shape, int] = {}
    firsts: dict[Shape, str] = {}
    for file, shape in shapes.items():
        counts[shape] = counts.get(shape, 0) + 1
        firsts.setdefault(shape, file)
    usual = max(counts, key=counts.__getitem__)
    return Usual(firsts[usual], counts[usual])


@dataclass(frozen=True)
class Difference:
    """How the columns of one file differ from those of the table."""

    file: str
    usual: Usual
    """What it is compared with."""
    missing: tuple[str, ...]
    added: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"lacks {listed(self.missing)}"] * bool(self.missing)
        parts += [f"has {listed(self.added)} besides"] * bool(self.added)
        return " and ".join(parts)

    def error(self) -> SchemaMismatchError:
        """What a file gets that does not belong to the others."""
        return SchemaMismatchError(
            f"{self.file} does not belong to the columns of {self.usual}: it {self}",
            hint="Give `columns: union` to fill missing columns with nulls, or a narrower `path:` that"
            " leaves this file out",
            file=self.file,
            missing=list(self.missing),
            added=list(self.added),
        )

    def warning(self) -> str:
        """What a table of united columns says about the file."""
        return f"{self.file}: it {self}, compared with {self.usual.file}; missing columns are null"


def compare_columns(
    usual: Usual, expected: Sequence[str], file: str, names: Sequence[str]
) -> Difference | None:
    """How the columns `names` of `file` differ from the `expected` ones; None if they are the same in any order."""
    here, there = set(names), set(expected)
    missing = tuple(name for name in expected if name not in here)
    added = tuple(name for name in names if name not in there)
    return Difference(file, usual, missing, added) if missing or added else None


def unite_columns(
    columns: Mapping[str, Sequence[str]], policy: ColumnsPolicy
) -> tuple[tuple[str, ...], list[str]]:
    """The columns of a table made of several files, and the warnings about files that differ from most.

    To be asked once all files are known, and whatever `on_bad_file` says.

    Args:
        columns: names of the columns by the name of the file, in order; files left out are not among them.
        policy: what to do with files that differ.

    Raises:
        SchemaMismatchError: a file that differs, unless the policy is `union`.
    """
    if not columns:
        return (), []
    usual = find_usual({file: frozenset(names) for file, names in columns.items()})
    names: dict[str, None] = {}
    warnings: list[str] = []
    for file, here in columns.items():
        difference = compare_columns(usual, columns[usual.file], file, here)
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
