"""Folders that a table format keeps: their Parquet files are a table only together with its log, which says which of them count.

Read as plain files they would bring rows back that were deleted or replaced long ago.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources.connectors.base import FileConnector
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.records import ObjectInfo
from resources.sources.spec import SourceSpec

_ENDINGS = (".parquet", ".pq")
_MARKS = {
    "_delta_log/*": "Delta Lake",
    ".hoodie/*": "Apache Hudi",
    "metadata/*.metadata.json": "Apache Iceberg",
}


def check_no_table_format(
    spec: SourceSpec, connector: FileConnector, objects: Sequence[ObjectInfo]
) -> None:
    """Refuses Parquet files beside the log of a table format.

    Raises:
        InputError: naming the folder and the format.
    """
    first = next((item.key for item in objects if item.key.lower().endswith(_ENDINGS)), None)
    if first is None:
        return
    parts = first.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        folder = "".join(f"{part}/" for part in parts[:depth])
        for mark, name in _MARKS.items():
            if _is_there(connector, f"{_literal(folder)}{mark}"):
                raise InputError(
                    f"data source {spec.name}: {folder or 'the root'} is a table of {name}; read as plain files it"
                    " would bring back rows that were removed or replaced",
                    hint="Read it with a query engine that knows the format (DuckDB and Polars do), for instance in"
                    " a Python transform, or let its owner export a snapshot as plain Parquet files",
                    path=spec.path,
                )


def _is_there(connector: FileConnector, pattern: str) -> bool:
    try:
        return next(iter(connector.list_objects(pattern)), None) is not None
    except NotFoundError:
        return False


def _literal(folder: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in folder)
