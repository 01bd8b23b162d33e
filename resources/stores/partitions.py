"""Versions in partitions: what a new version takes from the one before it, and what has to fit.

A version is one manifest of files, in partitions as without. Each file is marked with its partition. Materializing
partitions publishes a manifest that has their new files, and the files of all other partitions as the version before
names them: no row is copied. By its key the dataset reads as one table, rows in the order of the partition keys.

What holds:

- Two runs of different partitions at once both stay. The files of the others are taken from the newest version each
  time a number is tried for, and a number can only be had if no other version came in between.
- Collection removes a data folder when no manifest names a file in it, so a partition's files stay for as long as
  the newest version has them, however old their run is.
- All partitions have the same columns and types. A partition that has others is refused.
- What tells the partitions apart is kept in the manifest (`partitioned_by`). After a change of that, and after versions
  without partitions, a new table begins: old rows may stand in partitions under other names.

What it costs: a manifest grows with the number of files, some 250 bytes each; 1,000 runs of one partition each write
125 MB of manifests, and each row once. Writing one takes time in proportion, too: 0.07 s of CPU beside 600 partitions.

Text and records only; what Dagster says of partitions is `asset_partitions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from resources.kernel.errors import NotFoundError, SchemaMismatchError
from resources.kernel.records import StoredFile, StoredVersion
from resources.kernel.schema import has_no_values, with_marks
from resources.stores.manifest import Manifest

_SHOWN = 10


@dataclass(frozen=True)
class Replaced:
    """The partitions that a publication replaces; all others stay as they are."""

    partitioned_by: str
    """What tells the partitions apart: `static`, `dynamic region`, `time 0 0 * * * UTC %Y-%m-%d`."""
    keys: frozenset[str]

    def kept_files(self, base: StoredVersion | None) -> tuple[StoredFile, ...]:
        """Files of the newest version that stay."""
        if base is None or base.partitioned_by != self.partitioned_by:
            return ()
        return tuple(file for file in base.files if file.partition not in self.keys)


def in_order(files: Iterable[StoredFile]) -> tuple[StoredFile, ...]:
    """Files by partition; those of one partition stay in their order."""
    return tuple(sorted(files, key=lambda file: file.partition or ""))


def united_schema(
    base: Manifest, kept: tuple[StoredFile, ...], new: pa.Schema, replaced: Replaced, *, where: str
) -> pa.Schema:
    """The schema of a table that has the new partitions beside `kept` files of `base`.

    Raises:
        SchemaMismatchError: the new partitions have other columns or types, in words that name both sides.
    """
    old = base.arrow_schema
    if not kept or old is None:
        return new
    if not old.equals(new):
        raise _other_schema(old, new, kept, replaced, where)
    pairs = zip(old, new, strict=True)
    return pa.schema([_united(one, other) for one, other in pairs])


def only_partitions(
    version: Manifest, keys: Iterable[str], *, where: str
) -> tuple[StoredFile, ...]:
    """Files of those partitions.

    Raises:
        NotFoundError: one of them was never stored, or none was asked for.
    """
    wanted = set(keys)
    if not wanted:
        raise NotFoundError(f"No partition of {where} was asked for")
    stored = {file.partition for file in version.files if file.partition is not None}
    if missing := sorted(wanted - stored):
        raise NotFoundError(
            f"{where} has no partition {_listed(missing)} in version {version.number}",
            hint=f"Materialize it first. There are {_listed(sorted(stored)) or 'no partitions'}",
        )
    return tuple(file for file in version.files if file.partition in wanted)


def stored_partitions(version: StoredVersion) -> list[str]:
    """Keys of the partitions that a version has, in order."""
    return sorted({file.partition for file in version.files if file.partition is not None})


def schema_difference(old: pa.Schema, new: pa.Schema) -> str:
    """What a second schema has other than the first: `has column 'n' as double, the others have int64`."""
    if set(old.names) != set(new.names):
        lacks = [name for name in old.names if name not in new.names]
        adds = [name for name in new.names if name not in old.names]
        said = [f"lacks the columns {lacks[:_SHOWN]}"] if lacks else []
        said += [f"has the columns {adds[:_SHOWN]}, which the others lack"] if adds else []
        return " and ".join(said)
    for field in new:
        if old.field(field.name).type != field.type:
            was = old.field(field.name)
            empty = " without any value" if has_no_values(field) else ""
            before = " without any value" if has_no_values(was) else ""
            return f"has column {field.name!r} as {field.type}{empty}, the others have {was.type}{before}"
    return f"has its columns in the order {new.names[:_SHOWN]}, the others in {old.names[:_SHOWN]}"


def _united(one: pa.Field, other: pa.Field) -> pa.Field:
    """Without values only if both are; of several kinds if one is."""
    if has_no_values(one) and has_no_values(other):
        return other
    plain = pa.field(other.name, other.type)
    return with_marks(with_marks(plain, one), other)


def _other_schema(
    old: pa.Schema,
    new: pa.Schema,
    kept: tuple[StoredFile, ...],
    replaced: Replaced,
    where: str,
) -> SchemaMismatchError:
    others = sorted({file.partition for file in kept if file.partition is not None})
    return SchemaMismatchError(
        f"{where}: partition {_listed(sorted(replaced.keys))} {schema_difference(old, new)};"
        f" the partitions stored before are {_listed(others)}",
        hint="Give each column one type in the asset, for example with astype or cast; a column without values"
        " needs it, too. To change the columns of all partitions, materialize them in one run"
        " (backfill_policy=dg.BackfillPolicy.single_run())",
    )


def _listed(keys: list[str]) -> str:
    shown = ", ".join(repr(key) for key in keys[:_SHOWN])
    return shown + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
