"""What classification sets hold: a key shown, rows downloaded, a file to be filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from assets.classifications.declaration import ClassificationSpec
from assets.classifications.publishing import rows_at, stream_rows
from assets.classifications.schema import KEY, Encoding, find_encoding
from assets.classifications.selection import Selection, select
from assets.classifications.writing import FileFormat, WriteOptions, write_parts
from assets.classifications.writing import template as write_template
from orchestration.location import Location
from orchestration.services.classifications import catalog_of, find_set
from resources.kernel.errors import ConfigError, InputError, NotFoundError


@dataclass(frozen=True)
class FoundKey:
    """A key and its values."""

    key: str
    values: Mapping[str, Any]


def show(location: Location, name: str, key: str, version: int | None = None) -> FoundKey:
    """A key and its values, now or at an earlier version.

    Raises:
        UnknownNameError: no such set.
        NotFoundError: the set does not hold the key, or has no such version.
    """
    spec = find_set(location, name)
    table = _rows_of(location, spec, (key,), version)
    rows = select(table, Selection(keys=(key,))).to_pylist()
    if not rows:
        raise NotFoundError(
            f"classification set {name!r} has no key {key[:200]!r}",
            hint="Keys are case-sensitive; `waybill classification download --key-regex` searches",
        )
    return FoundKey(key, {column: value for column, value in rows[0].items() if column != KEY})


@dataclass(frozen=True)
class Download:
    """A file on its way, in one part or in several.

    Args:
        pieces: (number of the part, from 0, bytes).
        max_bytes: the largest file that the set takes.
    """

    pieces: Iterator[tuple[int, bytes]]
    max_bytes: int


def download(
    location: Location,
    name: str,
    selection: Selection,
    options: WriteOptions,
    *,
    version: int | None = None,
    in_parts: bool = False,
) -> Download:
    """The selected rows as a file that the same set takes back without a change (F135), in parts of its largest size.

    Raises:
        UnknownNameError: no such set, or no such column.
        NotFoundError: no such version.
        InputError: a regular expression or a number that is none; while reading, a value that the format or the
            encoding cannot hold.
    """
    spec = find_set(location, name)
    if selection.limit is not None and selection.limit < 0:
        raise InputError(f"a limit is not negative: {selection.limit}")
    # Refuses a wrong one before a byte is written: of a row, since no expression is looked at for none.
    one = [{field.name: "" if field.name == KEY else None for field in spec.schema.arrow}]
    select(pa.Table.from_pylist(one, schema=spec.schema.arrow), selection)
    catalog_of(location).check_columns(name, spec.columns)
    if version is not None or selection.keys is not None:
        table = select(_rows_of(location, spec, selection.keys, version), selection)
        rows = iter(table.to_batches())
    else:
        rows = _selected(location, spec, selection)
    part_bytes = spec.schema.max_bytes if in_parts else None
    pieces = write_parts(rows, spec.schema, options, part_bytes=part_bytes)
    return Download(pieces, spec.schema.max_bytes)


def _rows_of(
    location: Location, spec: ClassificationSpec, keys: Sequence[str] | None, version: int | None
) -> pa.Table:
    """The rows of these keys, or more than them."""
    catalog = catalog_of(location)
    if version is not None:
        return rows_at(catalog, location.store(), spec, version)
    wanted = pa.array(sorted(set(keys or ()), key=str.encode), pa.string())
    return catalog.read(spec.name, spec.columns, wanted).table


def _selected(
    location: Location, spec: ClassificationSpec, selection: Selection
) -> Iterator[pa.RecordBatch]:
    remaining = selection.limit
    with stream_rows(catalog_of(location), location.store(), spec) as batches:
        for batch in batches:
            if remaining is not None and remaining <= 0:
                return
            piece = select(pa.Table.from_batches([batch]), replace(selection, limit=remaining))
            remaining = None if remaining is None else remaining - piece.num_rows
            yield from piece.to_batches()


def make_write_options(file_format: str, encoding: str, list_delimiter: str) -> WriteOptions:
    """How a download is written, from what was asked for.

    Raises:
        ConfigError: an unknown format or encoding.
    """
    if file_format not in list(FileFormat):
        raise ConfigError(
            f"format {file_format!r} is not known", hint=f"Known: {', '.join(FileFormat)}"
        )
    if encoding and find_encoding(encoding) is None:
        raise ConfigError(
            f"encoding {encoding!r} is not known", hint=f"Known: {', '.join(Encoding)}"
        )
    return WriteOptions(
        format=FileFormat(file_format),
        encoding=Encoding(encoding) if encoding else None,
        list_delimiter=list_delimiter or None,
    )


def template(location: Location, name: str, options: WriteOptions) -> bytes:
    """A file with the right header and nothing else (F136).

    Raises:
        UnknownNameError: no such set.
        InputError: JSON, which has no header.
    """
    return write_template(find_set(location, name).schema, options.format, options.encoding)
