"""What Dagster shows of a profile: figures that it plots over time, the columns with their constraints, a small picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.profiles.picture import picture_of
from resources.profiles.record import WARNINGS, ColumnProfile, Profile
from resources.stores.ui_metadata import (
    escape_markdown,
    human_size,
    markdown_list,
    markdown_table,
    shown_seconds,
)

_PLOTTED = 10
_TOLD = 30


def profile_metadata(
    profile: Profile, descriptions: Mapping[str, str], *, is_new: bool
) -> dict[str, Any]:
    """The metadata of the step that made a profile.

    Args:
        profile: the facts.
        descriptions: of columns, as they are declared.
        is_new: whether it was computed now.
    """
    cells = profile.rows * len(profile.columns)
    metadata: dict[str, Any] = {
        "rows": dg.MetadataValue.int(profile.rows),
        "columns": dg.MetadataValue.int(len(profile.columns)),
        "missing cells": dg.MetadataValue.int(profile.missing_cells),
        "missing %": dg.MetadataValue.float(_share(profile.missing_cells, cells)),
        "columns with warnings": dg.MetadataValue.int(
            sum(bool(c.warnings) for c in profile.columns)
        ),
        "version": dg.MetadataValue.int(profile.of.version),
        "size": human_size(profile.size_bytes),
        "memory": human_size(profile.memory_bytes),
        "seconds": shown_seconds(profile.seconds) if is_new else 0.0,
        "dagster/column_schema": _column_schema(profile, descriptions),
    }
    if profile.duplicate_rows is not None:
        metadata["repeated rows"] = dg.MetadataValue.int(profile.duplicate_rows)
    metadata |= _column_figures(profile)
    if profile.columns and profile.rows:
        metadata["figures"] = dg.MetadataValue.md(_table(profile))
    if warned := [line for column in profile.columns for line in _warning_lines(column)]:
        metadata["warnings"] = markdown_list(warned[:_TOLD])
    if profile.notes:
        metadata["notes"] = markdown_list(note.text for note in profile.notes)
    if picture := picture_of(profile):
        metadata["distributions"] = dg.MetadataValue.md(picture)
    return metadata


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 4) if whole else 0.0


def _column_figures(profile: Profile) -> dict[str, Any]:
    """Shares of missing cells and means of the first columns that have such: Dagster plots each over time."""
    gaps = [c for c in profile.columns if c.missing][:_PLOTTED]
    means = [c for c in profile.columns if c.mean is not None][:_PLOTTED]
    return {
        f"missing % of {c.name[:60]}": dg.MetadataValue.float(_share(c.missing, profile.rows))
        for c in gaps
    } | {f"mean of {c.name[:60]}": dg.MetadataValue.float(c.mean or 0.0) for c in means}


def _column_schema(
    profile: Profile, descriptions: Mapping[str, str]
) -> dg.TableSchemaMetadataValue:
    columns = [
        dg.TableColumn(
            column.name,
            type=column.type,
            description=descriptions.get(column.name),
            constraints=_constraints(column),
        )
        for column in profile.columns
    ]
    return dg.MetadataValue.table_schema(dg.TableSchema(columns=columns))


def _constraints(column: ColumnProfile) -> dg.TableColumnConstraints:
    """What holds in this version."""
    others = []
    if column.lowest is not None:
        is_one = column.distinct == 1
        others.append(
            f"always {column.lowest}" if is_one else f"{column.lowest} to {column.highest}"
        )
    if column.distinct is not None and not column.is_unique:
        others.append(f"{column.distinct:,} different value{'' if column.distinct == 1 else 's'}")
    return dg.TableColumnConstraints(
        nullable=column.missing > 0, unique=column.is_unique and not column.missing, other=others
    )


def _table(profile: Profile) -> str:
    header = ("column", "missing", "different", "from", "to", "mean")
    rows = [
        [escape_markdown(text) for text in _cells(column, profile.rows)]
        for column in profile.columns[:_TOLD]
    ]
    text = markdown_table(header, rows)
    hidden = len(profile.columns) - _TOLD
    return f"{text}\n\n… and {hidden} more columns" if hidden > 0 else text


def _cells(column: ColumnProfile, rows: int) -> tuple[str, ...]:
    missing = f"{_share(column.missing, rows):.4g} %" if column.missing else "0"
    distinct = "" if column.distinct is None else f"{column.distinct:,}"
    mean = "" if column.mean is None else f"{column.mean:.4g}"
    return column.name, missing, distinct, _said(column.lowest), _said(column.highest), mean


def _said(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _warning_lines(column: ColumnProfile) -> list[str]:
    return [f"{column.name[:60]}: {WARNINGS[code]}" for code in column.warnings]
