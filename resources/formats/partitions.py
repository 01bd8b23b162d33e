"""Columns that stand in the names of folders: `date=2024-01-01/country=NO/part.parquet`, as Hive and Spark write them.

The texts are decoded (`%2F` is `/`), `__HIVE_DEFAULT_PARTITION__` is null, and a column gets its type from all of its
texts by the rule of text formats, whatever the format of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from resources.formats.files import Reader, SourceFile
from resources.formats.options import FormatOptions
from resources.formats.text_types.evidence import TEXT, TextType, decide
from resources.formats.text_types.given import parse_type, read_given
from resources.formats.text_types.rule import ISO, convert, examine
from resources.kernel.errors import ParseError, SchemaMismatchError
from resources.kernel.records import BatchStream, Guess
from resources.kernel.schema import check_column_names

_NULL = "__HIVE_DEFAULT_PARTITION__"
_FILE = b"waybill.file"

Partition = dict[str, str | None]


def of_file(batch: pa.RecordBatch, file: str) -> pa.RecordBatch:
    """The batch with the name of the file that its rows are from, for `PartitionReader`."""
    return batch.replace_schema_metadata({_FILE: file.encode()})


def find_partitions(files: Sequence[SourceFile], options: FormatOptions) -> dict[str, Partition]:
    """The values in the names of folders by the name of the file; empty where there are none.

    Raises:
        SchemaMismatchError: with `partitions: hive`, files that do not stand in folders of the same columns.
    """
    if options.partitions == "none" or not files:
        return {}
    found = {file.name: folder_columns(file.name) for file in files}
    wanted = next(iter(found.values()))
    odd = next((name for name, values in found.items() if list(values) != list(wanted)), None)
    if options.partitions == "hive" and (odd is not None or not wanted):
        raise SchemaMismatchError(
            f"{odd or files[0].name} does not stand in folders named {_named(wanted) or 'column=value'}",
            hint="Narrow the path, or give `partitions: none`",
            file=odd or files[0].name,
        )
    return {} if odd is not None or not wanted else found


def _named(values: Partition) -> str:
    return "/".join(f"{name}=..." for name in values)


def folder_columns(name: str) -> Partition:
    """The columns in the names of a file's folders, with their values."""
    pairs = [part.partition("=") for part in name.split("/")[:-1]]
    return {
        unquote(key): None if text == _NULL else unquote(text)
        for key, mark, text in pairs
        if mark and key
    }


def without_types(options: FormatOptions, partitions: Mapping[str, Partition]) -> Any:
    """The options for the reader of the files, which knows nothing of columns in the names of folders."""
    whole: Any = options  # every format with columns has `types`
    types: Mapping[str, str] = getattr(options, "types", {})
    names = next(iter(partitions.values()), {})
    left = {name: kind for name, kind in types.items() if name not in names}
    return whole if len(left) == len(types) else replace(whole, types=left)


class PartitionReader:
    """The rows of a reader, with the columns in the names of their files' folders behind the others.

    A column that the files have themselves is theirs, and a warning says so; with `partitions: hive` it is an error.
    """

    def __init__(
        self, reader: Reader, partitions: Mapping[str, Partition], options: FormatOptions
    ) -> None:
        self._reader = reader
        self._files = {name: number for number, name in enumerate(partitions)}
        self._is_asked_for = options.partitions == "hive"
        types: Mapping[str, str] = getattr(options, "types", {})
        names = list(next(iter(partitions.values())))
        self._given = [name for name in names if name in types]
        check_column_names(names, where="names of folders")
        self._kinds: dict[str, TextType] = {}
        self._columns: dict[str, pa.Array] = {}
        for name in names:
            texts = pa.array([values[name] for values in partitions.values()], pa.string())
            self._kinds[name], self._columns[name] = _typed(name, texts, types.get(name))

    def stream(self) -> BatchStream:
        """The reader's stream with its columns and those of the folders.

        Raises:
            SchemaMismatchError: a column that the files have, too, with `partitions: hive` or with a type in `types:`.
        """
        stream = self._reader.stream()
        twins = [name for name in self._columns if name in stream.schema.names]
        if twins and self._is_asked_for:
            raise SchemaMismatchError(
                f"column {twins[0]!r} stands in the files and in the names of their folders",
                hint="`partitions: none` leaves the folders out, `partitions: auto` takes the column of the files",
                column=twins[0],
            )
        self._refuse_types(twins)
        stream.warnings += [
            f"Column {name!r} stands in the files and in the names of their folders: the files' own is kept"
            for name in twins
        ]
        added = {name: column for name, column in self._columns.items() if name not in twins}
        stream.guesses += [
            Guess(
                f"column {name!r}",
                str(self._kinds[name]),
                f"folders are named {name}=...",
                "partitions",
            )
            for name in added
        ]
        stream.batches = self._with_columns(stream.batches, added)
        for name, column in added.items():
            stream.schema = stream.schema.append(pa.field(name, column.type))
        return stream

    def _refuse_types(self, twins: Sequence[str]) -> None:
        """A type is given to one column of a name, and here are two: the file's would go without it."""
        column = next((name for name in twins if name in self._given), None)
        if column is not None:
            raise SchemaMismatchError(
                f"`types:` names column {column!r}, which stands in the files and in the names of their folders",
                hint="Give `partitions: none`: the type is then that of the column in the files",
                column=column,
            )

    def _with_columns(
        self, batches: Iterator[pa.RecordBatch], added: Mapping[str, pa.Array]
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            file = self._files[batch.schema.metadata[_FILE].decode()]
            columns = [pa.repeat(column[file], batch.num_rows) for column in added.values()]
            fields = [pa.field(name, column.type) for name, column in added.items()]
            schema = pa.schema([*batch.schema, *fields])
            yield pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema)


def _typed(name: str, texts: pa.Array, given: str | None) -> tuple[TextType, pa.Array]:
    if given is not None:
        kind = parse_type(given, where=f"types: {name}")
        values = read_given(texts, kind, ISO)
        if values is None:
            raise ParseError(
                f"a name of a folder is not of the given type {kind}: {name}=...",
                file="names of folders",
                column=name,
                hint="Give another type in `types:`",
            )
        return kind, values
    kind = decide(examine(texts))
    found = convert(texts, kind)
    return (TEXT, texts) if found is None else (kind, found[0])
