"""Reading Parquet: files of one meaning to one stream of batches, memory bounded. Writing is `parquet_write`.

`parquet_open` opens files and cuts batches, `parquet_schemas` unites what their footers say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.formats.files import SourceFile, check_not_empty
from resources.formats.left_out import LeftOut
from resources.formats.options import FormatOptions
from resources.formats.parquet_open import int96_columns, open_parquet, read_batches
from resources.formats.parquet_schemas import guess_types, unite_schemas
from resources.formats.partitions import of_file
from resources.formats.plain_arrays import to_plain
from resources.formats.text_types.bad_values import first_bad_place
from resources.formats.text_types.evidence import TEXT, TextType
from resources.formats.text_types.given import parse_type, read_given
from resources.formats.text_types.rule import ISO
from resources.kernel.errors import InputError, SchemaMismatchError, UnknownNameError
from resources.kernel.records import BatchStream
from resources.kernel.schema import check_column_names

MAX_COLUMNS = 20_000
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class ParquetOptions(FormatOptions):
    """Parquet brings its own types; what can be settled is how files go together, and types that are meant otherwise."""

    label: ClassVar[str] = "Parquet"

    types: Mapping[str, str] = field(default_factory=dict)
    """Types by column: integer, number, decimal(p,s), boolean, date, timestamp, timestamptz, text."""

    def __post_init__(self) -> None:
        self.given()

    def given(self) -> dict[str, TextType]:
        """The types given in `types:`.

        Raises:
            ConfigError: an unknown type.
        """
        return {
            column: parse_type(name, where=f"types: {column}")
            for column, name in self.types.items()
        }


class ParquetReader:
    """One dataset from Parquet files of one meaning.

    Types that the store keeps as one count as one (see `wider_types.common_type`). With `columns: union` a column that
    some files lack is null in their rows, and structs of different members are united.
    """

    def __init__(self, files: Sequence[SourceFile], options: ParquetOptions | None = None) -> None:
        self._files = list(files)
        self._options = options or ParquetOptions()
        self._given = self._options.given()
        self._nanoseconds: set[str] = set()

    def stream(self) -> BatchStream:
        """The rows of all files in the order given.

        Raises:
            EmptySourceError: a file without a byte.
            ParseError: a file that is no Parquet or is damaged; also while iterating.
            SchemaMismatchError: files whose columns or types differ, naming file and column.
            InputError: columns without a name or of one name (E22).
            UnknownNameError: `types:` names a column that no file has.
            Retype: while iterating, an INT96 column whose nanoseconds count.
        """
        if not self._files:
            check_not_empty(self._files)
        opened = self._look_at_all()
        schema, warnings, wider = unite_schemas(opened.schemas, self._given, self._options.columns)
        for name in self._given:
            if name not in schema.names:
                raise UnknownNameError("column", name, schema.names, where="types")
        guesses = wider + guess_types(opened.first, opened.schemas, schema, set(self._given))
        batches = self._read(opened, schema)
        return BatchStream(schema, batches, guesses, opened.left_out.warnings() + warnings)

    def _look_at_all(self) -> _OpenedFiles:
        opened = _OpenedFiles(LeftOut.of(self._files, self._options.on_bad_file))
        for file in self._files:
            try:
                check_not_empty([file])
                with open_parquet(file) as parquet:
                    schema = self._schema_of(parquet, file)
                    opened.first = opened.first or parquet.schema
                if self._options.on_bad_file == "skip":
                    _read_through(file, schema)
            except InputError as error:
                opened.left_out.add(file.name, error)
                continue
            opened.schemas[file.name] = schema
            opened.files.append(file)
        return opened

    def _schema_of(self, parquet: pq.ParquetFile, file: SourceFile) -> pa.Schema:
        schema = parquet.schema_arrow
        if len(schema) > MAX_COLUMNS:
            raise SchemaMismatchError(
                f"{file.name} has {len(schema):,} columns",
                hint=f"At most {MAX_COLUMNS:,} are read",
                file=file.name,
            )
        check_column_names(schema.names, where=file.name)
        finer = self._nanoseconds.intersection(int96_columns(parquet)) if self._nanoseconds else ()
        return pa.schema(
            [pa.field(f.name, _plain_type(f.type, fine=f.name in finer)) for f in schema]
        )

    def _read(self, opened: _OpenedFiles, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for file in opened.files:
            seen = 0
            for batch in read_batches(file, opened.schemas[file.name].names, self._nanoseconds):
                yield of_file(self._as_schema(batch, schema, file, seen), file.name)
                seen += batch.num_rows

    def _as_schema(
        self, batch: pa.RecordBatch, schema: pa.Schema, file: SourceFile, row: int
    ) -> pa.RecordBatch:
        """Columns by name in the order of `schema`: dictionaries decoded, missing ones null, types as wanted."""
        here = {name: place for place, name in enumerate(batch.schema.names)}
        columns = []
        for wanted in schema:
            if wanted.name not in here:
                columns.append(pa.nulls(batch.num_rows, wanted.type))
                continue
            column = batch.column(here[wanted.name])
            if column.type != wanted.type or wanted.name in self._given:
                column = _convert(column, wanted, self._given.get(wanted.name), file, row)
            columns.append(column)
        return pa.RecordBatch.from_arrays(columns, schema=schema)


@dataclass
class _OpenedFiles:
    """What the footers say."""

    left_out: LeftOut
    files: list[SourceFile] = field(default_factory=list)
    schemas: dict[str, pa.Schema] = field(default_factory=dict)
    first: pq.ParquetSchema | None = None


def _read_through(file: SourceFile, schema: pa.Schema) -> None:
    """Reads everything once: only so is it known before the first row whether a file can be left out whole (E54)."""
    for _ in read_batches(file, schema.names, set(schema.names)):
        pass


def _plain_type(kind: pa.DataType, *, fine: bool) -> pa.DataType:
    if fine:
        return _in_nanoseconds(kind)
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _in_nanoseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("ns", kind.tz)
    if pa.types.is_list(kind):
        return pa.list_(_in_nanoseconds(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(_in_nanoseconds(kind.key_type), _in_nanoseconds(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _in_nanoseconds(f.type)) for f in kind])
    return kind


def _convert(
    column: pa.Array, wanted: pa.Field, given: TextType | None, file: SourceFile, row: int
) -> pa.Array:
    def convert(part: pa.Array) -> pa.Array | None:
        try:
            return part.cast(wanted.type) if given is None else _as_given(part, given)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None

    column = to_plain(column)
    values = convert(column)
    if values is not None:
        return values
    place = first_bad_place(column, lambda part: convert(part) is not None)
    number = row + place + 1
    raise SchemaMismatchError(
        f"{file.name}: a value of column {wanted.name!r} does not fit {given or wanted.type}:"
        f"{_shown(column.slice(place, 1))} in row {number:,}",
        hint="Correct the value, or give another type in `types:`"
        if given
        else "Give the column a type in `types:`, split the dataset, or write the files with one type",
        file=file.name,
        column=wanted.name,
        row=number,
    )


def _shown(value: pa.Array) -> str:
    try:
        return f" {value.cast(pa.string())[0].as_py()[:_SHOWN]!r}"
    except pa.ArrowException:  # no text says it
        return ""


def _as_given(column: pa.Array, given: TextType) -> pa.Array | None:
    """The column as the type given for it, or None; texts are read as in text formats, the rest is cast exactly."""
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = column.cast(pa.string())  # checks that it is UTF-8
    if column.type in (pa.string(), pa.large_string(), pa.string_view()):
        return read_given(column.cast(pa.string()), given, ISO)
    if given == TEXT and pa.types.is_boolean(kind):
        return pc.if_else(column, "true", "false")
    values = column.cast(given.arrow)
    return values if _is_exact(column, values) else None


def _is_exact(column: pa.Array, values: pa.Array) -> bool:
    """Whether the values say what the column says: Arrow rounds to decimals, cuts times of day, takes 2 for true."""
    kind = values.type
    if not (pa.types.is_decimal(kind) or pa.types.is_date(kind) or pa.types.is_boolean(kind)):
        return True
    return pc.all(pc.equal(values.cast(column.type), column)).as_py() is not False
