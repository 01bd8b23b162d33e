"""What Dagster's UI shows of a stored table: the same figures whoever made it (Dataset, transform, prediction).

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
    """A Markdown table of some rows: at most 30 columns, values cut at 60 characters."""
    if not rows.num_rows:
        return "No rows."
    shown = rows.select(rows.column_names[:SAMPLE_COLUMNS])
    cells = [[_cell(text) for text in _texts(column)] for column in shown.columns]
    text = markdown_table(map(escape_markdown, shown.column_names), zip(*cells, strict=True))
    hidden = rows.num_columns - shown.num_columns
    return f"{text}\n\n… and {hidden} more columns" if hidden else text


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
