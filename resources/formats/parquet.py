"""Reading Parquet: files of one schema to one stream of batches, memory bounded. Writing is `parquet_write`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.columns import unite_columns
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.options import ColumnsPolicy, FormatOptions
from resources.formats.wider_types import wider_type
from resources.kernel.errors import InputError, ParseError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.kernel.schema import check_column_names

MAX_COLUMNS = 20_000
_BATCH_ROWS = 65_536
_BATCH_VALUES = 4_000_000
_BUFFER_BYTES = 1024 * 1024
_THRIFT_BYTES = (
    256 * 1024 * 1024
)  # a footer that claims more is refused before memory is taken (T39)


@dataclass(frozen=True, kw_only=True)
class ParquetOptions(FormatOptions):
    """Parquet brings its own types: there is nothing to settle but how files go together."""

    label: ClassVar[str] = "Parquet"


class ParquetReader:
    """One dataset from Parquet files of one schema.

    Dictionary columns come as the values they stand for. With `columns: union` a column that some files lack is null
    in their rows, and one whose type differs takes the widest that holds every value; nothing else is converted.
    """

    def __init__(self, files: Sequence[SourceFile], options: ParquetOptions | None = None) -> None:
        self._files = list(files)
        self._options = options or ParquetOptions()

    def stream(self) -> BatchStream:
        """The rows of all files in the order given.

        Raises:
            EmptySourceError: a file without a byte.
            ParseError: a file that is no Parquet or is damaged; also while iterating.
            SchemaMismatchError: files whose columns or types differ, naming file and column.
            InputError: columns without a name or of one name (E22).
        """
        if not self._files:
            check_not_empty(self._files)
        opened = self._look_at_all()
        warnings = [f"Skipped {name}: {error}" for name, error in opened.errors.items()]
        schema, differences = _unite(opened.schemas, self._options.columns)
        return BatchStream(schema, self._read(opened, schema), warnings=warnings + differences)

    def _look_at_all(self) -> _OpenedFiles:
        opened = _OpenedFiles()
        for file in self._files:
            try:
                check_not_empty([file])
                with _open(file) as parquet:
                    schema = _plain_schema(parquet, file)
                    self._check_belongs(file, schema, opened)
                    if self._options.on_bad_file == "skip":
                        _read_through(parquet)
            except InputError as error:
                if self._options.on_bad_file == "fail":
                    raise
                opened.errors[file.name] = error
                continue
            opened.schemas[file.name] = schema
            opened.files.append(file)
        if not opened.files:
            raise next(iter(opened.errors.values()))
        return opened

    def _check_belongs(self, file: SourceFile, schema: pa.Schema, opened: _OpenedFiles) -> None:
        if opened.files:
            first = opened.files[0].name
            pair = {first: opened.schemas[first], file.name: schema}
            _unite(pair, self._options.columns)

    def _read(self, opened: _OpenedFiles, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows = max(1024, min(_BATCH_ROWS, _BATCH_VALUES // max(len(schema), 1)))
        for file in opened.files:
            names = opened.schemas[file.name].names
            with _open(file) as parquet:
                for batch in parquet.iter_batches(batch_size=rows, columns=names, use_threads=True):
                    yield _as_schema(batch, schema, file)


@dataclass
class _OpenedFiles:
    """What the footers say."""

    files: list[SourceFile] = field(default_factory=list)
    schemas: dict[str, pa.Schema] = field(default_factory=dict)
    errors: dict[str, InputError] = field(default_factory=dict)


def _read_through(parquet: pq.ParquetFile) -> None:
    """Reads everything once: only so is it known before the first row whether a file can be left out whole (E54)."""
    for _ in parquet.iter_batches(batch_size=_BATCH_ROWS):
        pass


def _unite(schemas: Mapping[str, pa.Schema], policy: ColumnsPolicy) -> tuple[pa.Schema, list[str]]:
    """The schema of all files together and what is to be said about those that differ from the first.

    Raises:
        SchemaMismatchError: a file with other columns or types than the policy allows.
    """
    names, warnings = unite_columns({file: s.names for file, s in schemas.items()}, policy)
    fields = []
    for name in names:
        united: pa.DataType | None = None
        first = ""
        for file, schema in schemas.items():
            if name not in schema.names:
                continue
            kind = schema.field(name).type
            if united is None:
                united, first = kind, file
            elif kind != united:
                wider = wider_type(united, kind) if policy == "union" else None
                if wider is None:
                    raise _retyped(name, first, united, file, kind)
                warnings.append(
                    f"{file}: column {name!r} is {kind}, in {first} {united}; read as {wider}"
                )
                united = wider
        fields.append(pa.field(name, united))
    return pa.schema(fields), warnings


def _retyped(
    name: str, first: str, one: pa.DataType, file: str, other: pa.DataType
) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"{file}: column {name!r} is {one} in {first}, but {other} in {file}",
        hint="Files of one dataset need the same types; `columns: union` takes the wider of two types that"
        " hold the same values. Otherwise narrow the path or split the dataset",
        file=file,
        column=name,
    )


def _plain_schema(opened: pq.ParquetFile, file: SourceFile) -> pa.Schema:
    schema = opened.schema_arrow
    if len(schema) > MAX_COLUMNS:
        raise SchemaMismatchError(
            f"{file.name} has {len(schema):,} columns",
            hint=f"At most {MAX_COLUMNS:,} are read",
            file=file.name,
        )
    check_column_names(schema.names, where=file.name)
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as_schema(batch: pa.RecordBatch, schema: pa.Schema, file: SourceFile) -> pa.RecordBatch:
    """Columns by name in the order of `schema`: dictionaries decoded, missing ones null, narrower ones widened."""
    here = set(batch.schema.names)
    columns = []
    for wanted in schema:
        if wanted.name not in here:
            columns.append(pa.nulls(batch.num_rows, wanted.type))
            continue
        column = batch.column(wanted.name)
        try:
            columns.append(column if column.type == wanted.type else column.cast(wanted.type))
        except pa.ArrowInvalid as error:
            raise SchemaMismatchError(
                f"{file.name}: a value of column {wanted.name!r} does not fit {wanted.type}",
                hint="Split the dataset, or write the files with one type",
                file=file.name,
                column=wanted.name,
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _open(file: SourceFile) -> Iterator[pq.ParquetFile]:
    """The file, with what Arrow says about damage while it is open turned into one error.

    `pre_buffer` would hold the whole file, and without a buffer size a whole column chunk is read at once.
    """
    try:
        with pq.ParquetFile(
            file.path,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=10_000_000,
        ) as opened:
            yield opened
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).splitlines()[0][:200]
        raise ParseError(
            f"cannot be read as Parquet ({said})",
            file=file.name,
            hint="The file is damaged, cut off or of another format: send it again",
        ) from error
