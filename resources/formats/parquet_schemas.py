"""What the footers of several Parquet files say, as one schema; and what is to be said about its types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.columns import find_usual, unite_columns
from resources.formats.options import ColumnsPolicy
from resources.formats.text_types.evidence import TextType
from resources.formats.wider_types import common_type, is_wider
from resources.kernel.errors import SchemaMismatchError
from resources.kernel.kept_types import count_leaves, holds, kept_type
from resources.kernel.records import Guess

_TOLD = 50
_SHOWN = 3
_VARIANT = {"metadata", "value"}


def unite_schemas(
    schemas: Mapping[str, pa.Schema], given: Mapping[str, TextType], policy: ColumnsPolicy
) -> tuple[pa.Schema, list[str], list[Guess]]:
    """The schema of all files together, what is to be said about those that differ from most, and columns made wider.

    Raises:
        SchemaMismatchError: a file with other columns or types than the policy allows.
    """
    names, warnings = unite_columns({file: s.names for file, s in schemas.items()}, policy)
    kinds: dict[str, dict[str, pa.DataType]] = {name: {} for name in names}
    for file, schema in schemas.items():
        for field in schema:
            kinds[field.name][file] = field.type
    fields, guesses = [], []
    for name, found in kinds.items():
        if name in given:
            fields.append(pa.field(name, given[name].arrow))
            continue
        kind = _unite_types(name, found, policy)
        fields.append(pa.field(name, kind))
        warnings += _told_apart(name, found, kind)
        guesses += _made_wider(name, found, kind)
    more = len(warnings) - _TOLD
    told = warnings[:_TOLD] + [f"... and {more:,} more of this kind"] * (more > 0)
    return pa.schema(fields), told, guesses[:_TOLD]


def _firsts(found: Mapping[str, pa.DataType]) -> dict[pa.DataType, str]:
    """The first file of each type."""
    firsts: dict[pa.DataType, str] = {}
    for file, kind in found.items():
        firsts.setdefault(kind, file)
    return firsts


def _unite_types(name: str, found: Mapping[str, pa.DataType], policy: ColumnsPolicy) -> pa.DataType:
    firsts = _firsts(found)
    if len(firsts) == 1:
        return next(iter(firsts))
    usual = find_usual(found)
    united = found[usual.file]
    for kind, file in firsts.items():
        common = common_type(united, kind, union=policy == "union")
        if common is None:
            raise _retyped(name, str(usual), found[usual.file], file, kind)
        united = common
    if holds(united, lambda kind: isinstance(kind, pa.BaseExtensionType)):
        united = kept_type(united)  # Arrow casts to no extension type
    return united


def _told_apart(name: str, found: Mapping[str, pa.DataType], united: pa.DataType) -> list[str]:
    firsts = _firsts(found)
    if len(firsts) == 1:
        return []
    usual = find_usual(found).file
    return [
        f"{file}: column {name!r} is {kind}, in {usual} {found[usual]}; read as {united}"
        for kind, file in firsts.items()
        if kind != found[usual] and not _is_one(kind, found[usual])
    ]


def _made_wider(name: str, found: Mapping[str, pa.DataType], united: pa.DataType) -> list[Guess]:
    firsts = _firsts(found)
    others = [kind for kind in firsts if kind != united and is_wider(kind, united)]
    if not others:
        return []
    here = ", ".join(f"{kind} in {file}" for kind, file in list(firsts.items())[:_SHOWN])
    reason = f"{here}: it holds every value of all of them"
    return [Guess(f"type of {name!r}", str(united), reason, "types")]


def _is_one(kind: pa.DataType, other: pa.DataType) -> bool:
    """Whether no warning is due: the store keeps the two as one type, or the wider holds every value (a guess says so)."""
    is_empty = pa.types.is_null(kind) or pa.types.is_null(other)
    return is_empty or is_wider(kind, other) or bool(kept_type(kind) == kept_type(other))


def _retyped(
    name: str, usual: str, one: pa.DataType, file: str, other: pa.DataType
) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{file}: column {name!r} is {one} in {usual}, but {other} in {file}",
        hint="Files of one dataset need types that mean the same: give the column one in `types:`, unite structs of"
        " different members by `columns: union`, or narrow the path",
        file=file,
        column=name,
    )


def guess_types(
    first: pq.ParquetSchema | None,
    schemas: Mapping[str, pa.Schema],
    schema: pa.Schema,
    given: set[str],
) -> list[Guess]:
    """Columns that are kept as something else than their file calls them, or that the file does not describe."""
    intervals = _intervals(first, next(iter(schemas.values()))) if first is not None else set()
    guesses = []
    for field in schema:
        if field.name in given:
            continue
        said = _say(field.type, is_interval=field.name in intervals)
        if said:
            kind = str(kept_type(field.type))
            guesses.append(Guess(f"type of {field.name!r}", kind, said, "types"))
    return guesses[:_TOLD]


def _say(kind: pa.DataType, *, is_interval: bool) -> str:
    if is_interval:
        return "a Parquet INTERVAL is kept as its 12 bytes: months, days and milliseconds, 4 bytes each, lowest first"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "the file does not say that these bytes are text; give `text` if they are"
    if _is_variant(kind):
        return (
            "a Parquet VARIANT is kept as the bytes of its parts; cast it where the file is written"
        )
    if holds(kind, lambda t: isinstance(t, pa.UuidType)):
        return "UUIDs are kept in their canonical form"
    if isinstance(kind, pa.FixedShapeTensorType):
        return (
            f"tensors of the shape {list(kind.shape)} are kept as lists of their values, row by row"
        )
    return ""


def _is_variant(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or not {f.name for f in kind} >= _VARIANT:
        return False
    return bool(pa.types.is_binary(kind.field("metadata").type))


def _intervals(first: pq.ParquetSchema, schema: pa.Schema) -> set[str]:
    return {name for name, leaf in _flat(schema) if first.column(leaf).converted_type == "INTERVAL"}


def _flat(schema: pa.Schema) -> Iterator[tuple[str, int]]:
    place = 0
    for field in schema:
        leaves = count_leaves(field.type)
        if leaves == 1:
            yield field.name, place
        place += leaves
