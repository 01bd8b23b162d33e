"""What Dagster's UI shows of a stored table: the same figures for datasets, transforms and predictions.

Values come from data, so everything that Markdown or HTML would act on is escaped (T38).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg
import pyarrow as pa

from resources.kernel.temporal_text import temporal_texts
from resources.stores.tables import StoredTable

SAMPLE_ROWS = 5
SAMPLE_COLUMNS = 30
SHOWN_CHARACTERS = 1_000
"""Longer Markdown is hidden behind a "Show Markdown" click by the web UI."""

CELL_LIMIT = 60
_ACTIVE = str.maketrans({char: f"\\{char}" for char in "\\`*_[]|~!"} | {"<": "&lt;", "&": "&amp;"})


def table_metadata(
    table: StoredTable,
    *,
    sample_rows: int = SAMPLE_ROWS,
    descriptions: Mapping[str, str] | None = None,
) -> dict[str, dg.MetadataValue]:
    """Rows, columns with types, version, sizes and a sample of a stored table.

    Args:
        table: as read or just published.
        sample_rows: how many first rows to show; none when 0.
        descriptions: of columns, for the UI's column list.
    """
    version = table.version
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(table.rows),
        "dagster/column_schema": column_schema(table.schema, descriptions or {}),
        "version": dg.MetadataValue.int(version.number),
        "size": dg.MetadataValue.text(human_size(version.size_bytes)),
        "size_bytes": dg.MetadataValue.int(version.size_bytes),
        "files": dg.MetadataValue.int(len(version.files)),
    }
    if sample_rows:
        metadata["sample"] = dg.MetadataValue.md(sample_markdown(table.sample(sample_rows)))
    return metadata


def column_schema(
    schema: pa.Schema, descriptions: Mapping[str, str]
) -> dg.TableSchemaMetadataValue:
    """The columns as Dagster's column list takes them."""
    columns = [
        dg.TableColumn(field.name, type=str(field.type), description=descriptions.get(field.name))
        for field in schema
    ]
    return dg.MetadataValue.table_schema(dg.TableSchema(columns=columns))


def sample_markdown(rows: pa.Table) -> str:
    """A Markdown table of some rows that the web UI shows at once: as many columns as fit, at least one.

    Values are cut at 60 characters. Columns of lists, such as vectors, come last.
    """
    if not rows.num_rows:
        return "No rows."
    names = sorted(rows.column_names, key=lambda name: _is_list(rows.schema.field(name).type))
    columns = [
        [escape_markdown(name), *map(_cell, _texts(rows.column(name)))]
        for name in names[:SAMPLE_COLUMNS]
    ]
    text = ""
    for count in range(1, len(columns) + 1):
        wider = _table_of(columns[:count], hidden=rows.num_columns - count)
        if text and len(wider) >= SHOWN_CHARACTERS:
            break
        text = wider
    return text


def _table_of(columns: Sequence[Sequence[str]], *, hidden: int) -> str:
    header, *rows = zip(*columns, strict=True)
    text = markdown_table(header, rows)
    return f"{text}\n\n… and {hidden} more columns" if hidden else text


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def human_size(size_bytes: int) -> str:
    """A size for people: `5.3 MB`."""
    size, units = float(size_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.95 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size_bytes} bytes" if units[0] == "bytes" else f"{size:.1f} {units[0]}"


def short_float(value: float) -> float:
    """A figure as people read it, still one to plot: four significant digits."""
    return float(f"{value:.4g}")


def shown_seconds(seconds: float) -> float:
    """A duration as people read it: `3.9`, `0.04`."""
    return round(seconds, 1) if seconds >= 1 else float(f"{seconds:.1g}")


def markdown_list(lines: Iterable[str]) -> dg.MetadataValue:
    """Lines that stay lines in the web UI; they are escaped here."""
    return dg.MetadataValue.md("\n".join(f"- {escape_markdown(line, 200)}" for line in lines))


def origin_texts(lineage: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Where each column comes from, as its description: `from flights.hour`; the first few of many."""
    return {column: _from(origins) for column, origins in lineage.items() if origins}


def _from(origins: Sequence[tuple[str, str]]) -> str:
    named = [f"{dataset}.{column}" for dataset, column in origins[:_SHOWN_ORIGINS]]
    more = len(origins) - len(named)
    return f"from {', '.join(named)}" + (f" and {more} more" if more else "")


_SHOWN_ORIGINS = 6


def markdown_table(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown already: escape them first."""
    names = list(header)
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def escape_markdown(text: str, limit: int = CELL_LIMIT) -> str:
    """`text` as harmless Markdown for one cell: no markup, no HTML, no line break, no hidden direction marks."""
    plain = "".join(char if _is_visible(char) else " " for char in text[: 4 * limit])
    plain = " ".join(plain.split())
    if len(plain) > limit or len(text) > 4 * limit:
        plain = plain[: limit - 1] + "…"
    return plain.translate(_ACTIVE)


def _is_visible(char: str) -> bool:
    """Not a control, format (bidirectional marks), surrogate or private character."""
    return not unicodedata.category(char).startswith("C")


def _cell(text: str | None) -> str:
    return "*null*" if text is None else escape_markdown(text)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return temporal_texts(column)
    return [_text(value) for value in column.to_pylist()]


def _text(value: object) -> str | None:
    if value is None:
        return None
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
