"""The reader of JSON and JSON Lines: files to one stream of typed batches, every value checked, memory bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa

from resources.formats.columns import unite_columns
from resources.formats.files import SourceFile, check_not_empty
from resources.formats.json.chunks import (
    CHUNK_BYTES,
    JsonChunk,
    JsonText,
    RecordShape,
    open_file,
    read_chunks,
)
from resources.formats.json.convert import (
    ConvertedJson,
    FailedJson,
    JsonPlan,
    convert_chunk,
    look_at_chunk,
)
from resources.formats.json.options import JsonOptions
from resources.formats.json.shapes import LiteralShape
from resources.formats.json.values import LITERAL, MIXED, NOTHING_SEEN, SeenValues, as_numbers
from resources.formats.left_out import LeftOut
from resources.formats.options import ColumnsPolicy
from resources.formats.ordered import in_order
from resources.formats.partitions import of_file
from resources.formats.text_types.evidence import NUMBER
from resources.kernel.errors import (
    EmptySourceError,
    InputError,
    SchemaMismatchError,
    SourceChangedError,
    UnknownNameError,
)
from resources.kernel.records import BatchStream, Guess, Retype
from resources.kernel.schema import check_column_names

MAX_COLUMNS = 20_000
_FIRST_BYTES = 1024 * 1024
_OTHER_BYTES = 64 * 1024
_OTHER_FILES = 15
_GUESSED = 50
_SHAPES = {RecordShape.LINES: "JSON Lines", RecordShape.OBJECTS: "objects one after another"}

SeenColumns = dict[str, SeenValues]


class JsonReader:
    """One dataset from JSON files: columns are the members of all records, in order of first appearance.

    Columns and types are planned from a sample and checked on every record while streaming. A record against the plan
    ends the stream, after all records were seen, with `Retype`; the stream asked for next holds.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        options: JsonOptions | None = None,
        *,
        lines: bool = False,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._files = list(files)
        self._options = options or JsonOptions()
        self._lines = lines
        self._chunk_bytes = chunk_bytes
        self._opened: list[JsonText] = []
        self._plan: JsonPlan | None = None
        self._guesses: list[Guess] = []
        self._seen_all = False
        self._left_out = LeftOut.of(self._files, self._options.on_bad_file)

    @classmethod
    def of_lines(
        cls, files: Sequence[SourceFile], options: JsonOptions | None = None
    ) -> JsonReader:
        """A reader that takes JSON Lines only."""
        return cls(files, options, lines=True)

    def stream(self) -> BatchStream:
        """The records of all files in the order given.

        Iterating raises `Retype` at the end of a stream whose columns or types did not hold; what came from it is void.

        Raises:
            EmptySourceError: a file without a record (E25).
            ParseError: a file breaks its format; with file and line (E27-E30). Also while iterating.
            SchemaMismatchError: while iterating, files whose members differ (E20), unless `columns: union`.
            UnknownNameError: while iterating, `types:` names a member that no record has.
        """
        if self._plan is None:
            if not self._files:
                check_not_empty(self._files)
            self._open_all()
            self._plan = self._first_plan()
        stream = BatchStream(self._plan.schema, iter(()), self._guesses[:])
        stream.batches = self._read(self._plan, stream)
        return stream

    def _open_all(self) -> None:
        for file in self._files:
            try:
                opened = open_file(
                    file,
                    self._options.encoding,
                    lines=self._lines,
                    records=self._options.records,
                )
                opened = replace(opened, non_finite=self._options.non_finite)
            except InputError as error:
                self._left_out.add(file.name, error)
                continue
            self._opened.append(opened)
            self._note(opened)

    def _note(self, file: JsonText) -> None:
        if self._options.encoding is None and len(self._opened) == 1:
            reason = f"{file.encoding.reason} ({file.name})"
            self._guesses.append(Guess("encoding", file.encoding.codec, reason, "encoding"))
        if (
            not self._lines
            and file.shape in (RecordShape.LINES, RecordShape.OBJECTS)
            and len(self._guesses) < _GUESSED
        ):
            reason = "its first record stands in no array"
            self._guesses.append(
                Guess(f"shape of {file.name}", _SHAPES[file.shape], reason, "format")
            )

    def _first_plan(self) -> JsonPlan:
        given = self._options.given()
        columns: SeenColumns = {}
        others = self._opened[1:]
        chosen = others[:: max(1, -(-len(others) // _OTHER_FILES))]
        sizes = [_FIRST_BYTES] + [_OTHER_BYTES] * len(chosen)
        for file, size in zip([self._opened[0], *chosen], sizes, strict=True):
            try:
                chunk = next(read_chunks(file, min(size, self._chunk_bytes)), None)
                if chunk is not None:
                    _merge(columns, look_at_chunk(chunk))
            except InputError:
                if self._options.on_bad_file == "fail":
                    raise
        return self._make_plan(columns, JsonPlan({}, given, self._options.rule()))

    def _make_plan(self, columns: SeenColumns, old: JsonPlan) -> JsonPlan:
        if len(columns) > MAX_COLUMNS:
            raise SchemaMismatchError(
                f"{self._opened[0].name}: the records have more than {MAX_COLUMNS:,} different members",
                hint="Are names of members data here? Write them as values",
                file=self._opened[0].name,
            )
        check_column_names(
            list(columns), where=self._opened[0].name, hint="Name every member of the records"
        )
        types = {name: old.given.get(name) or seen.kind for name, seen in columns.items()}
        return JsonPlan(types, old.given, old.rule)

    def _read(self, plan: JsonPlan, stream: BatchStream) -> Iterator[pa.RecordBatch]:
        run = _Pass()
        convert = partial(_convert, plan=plan)
        for result in in_order(convert, self._chunks(run)):
            if isinstance(result, FailedJson):
                self._leave_out(result.file.name, result.error, run)
            elif run.take(result) and result.batch is not None:
                yield of_file(result.batch, result.chunk.file.name)
        self._finish(plan, run, stream)

    def _chunks(self, run: _Pass) -> Iterator[JsonChunk | FailedJson]:
        for file in self._opened:
            try:
                for chunk in read_chunks(file, self._chunk_bytes):
                    if file.name in run.failed:
                        break
                    yield chunk
            except InputError as error:
                yield FailedJson(file, error)

    def _leave_out(self, name: str, error: InputError, run: _Pass) -> None:
        if name not in run.failed:
            self._left_out.add(name, error)
            run.failed.add(name)

    def _finish(self, plan: JsonPlan, run: _Pass, stream: BatchStream) -> None:
        """Compares what was planned with all that was seen; remembers what holds."""
        self._check_columns(run)
        self._opened = [file for file in self._opened if file.name not in run.failed]
        kept = {f.name: run.columns[f.name] for f in self._opened if f.name in run.columns}
        names = {name: list(seen) for name, seen in kept.items()}
        _, warnings = unite_columns(names, self._policy(names))
        warnings += [f"{f.name}: it has no record" for f in self._opened if f.name not in kept]
        columns: SeenColumns = {}
        for seen in kept.values():
            _merge(columns, seen)
        self._check_given(plan, columns)
        new = self._make_plan(columns, plan)
        differences = plan.differences(new)
        holds = not differences and not run.failed
        if not holds and self._seen_all:
            raise SourceChangedError(
                f"{self._opened[0].name} changed while it was read",
                hint="Run it again once the file is complete",
            )
        self._plan, self._seen_all = new, True
        if not holds:
            self._guesses += run.guesses(differences)
            raise Retype(differences)
        stream.warnings += self._left_out.warnings() + warnings
        stream.guesses += _literal_guesses(new, columns)
        stream.warnings += _mixture_warnings(new, columns)
        for file in self._opened:
            if file.envelope and run.rows.get(file.name) == 1:
                stream.guesses.append(
                    Guess("records", "the whole object", _envelope(file), "records")
                )
                stream.warnings.append(
                    f"{_envelope(file)}; if these are meant, give `records: {file.envelope}`"
                )

    def _check_columns(self, run: _Pass) -> None:
        """Refuses files whose records have no member, and files without a record if no other tells the columns."""
        is_told = any(run.columns.get(file.name) for file in self._opened)
        for file in self._opened:
            if file.name in run.failed or (is_told and file.name not in run.columns):
                continue
            names = list(run.columns.get(file.name, ()))
            if not names:
                error: InputError = EmptySourceError(
                    f"File {file.name} is empty: it has no record with a member",
                    hint="Send it again; JSON without a record does not tell its columns",
                    file=file.name,
                )
                self._leave_out(file.name, error, run)

    def _policy(self, names: Mapping[str, list[str]]) -> ColumnsPolicy:
        """Members are optional: files that only lack some of those that one of them has in full are of one shape."""
        members = [set(listed) for listed in names.values()]
        fullest = max(members, key=len) if members else set()
        is_one_shape = all(fullest >= one for one in members)
        return "union" if is_one_shape else self._options.columns

    def _check_given(self, plan: JsonPlan, columns: SeenColumns) -> None:
        for name in plan.given:
            if name not in columns:
                raise UnknownNameError("column", name, columns, where="types")


@dataclass
class _Pass:
    """One reading of all files by one plan."""

    failed: set[str] = field(default_factory=set)
    columns: dict[str, SeenColumns] = field(default_factory=dict)
    """What was seen, by file."""
    rows: dict[str, int] = field(default_factory=dict)
    """Of each file."""
    _holds: bool = True
    _examples: dict[str, str] = field(default_factory=dict)

    def take(self, result: ConvertedJson) -> bool:
        """Learns from a chunk; whether all has gone by the plan so far."""
        name = result.chunk.file.name
        if name in self.failed:
            return False
        _merge(self.columns.setdefault(name, {}), result.seen)
        for column, example in result.examples.items():
            self._examples.setdefault(column, example)
        if result.batch is not None:
            self.rows[name] = self.rows.get(name, 0) + result.batch.num_rows
        if result.batch is None or self.failed:
            self._holds = False
        return self._holds

    def guesses(self, differences: dict[str, str]) -> list[Guess]:
        """Why columns have another type than the first records say."""
        return [
            Guess(f"type of {name!r}", kind, self._examples[name], "types")
            for name, kind in differences.items()
            if name in self._examples
        ][:_GUESSED]


def _convert(item: JsonChunk | FailedJson, *, plan: JsonPlan) -> ConvertedJson | FailedJson:
    """The chunk as a typed batch. Errors come back as values, so that they keep their place in the order."""
    if isinstance(item, FailedJson):
        return item
    try:
        return convert_chunk(item, plan)
    except InputError as error:
        return FailedJson(item.file, error)


def _merge(into: SeenColumns, seen: Mapping[str, SeenValues]) -> None:
    for name, found in seen.items():
        into[name] = into.get(name, NOTHING_SEEN).merge(found)


def _literal_guesses(plan: JsonPlan, columns: SeenColumns) -> list[Guess]:
    """Columns that are kept as their literals, or whose numbers are too long for a double, and why."""
    guesses = []
    for name, seen in columns.items():
        kind = plan.types[name]
        if name in plan.given:
            continue
        if kind == MIXED:
            guesses.append(Guess(f"type of {name!r}", "text", _mixture(seen), "types"))
        elif kind == NUMBER and LiteralShape.NON_FINITE in seen.shapes:
            reason = "NaN or Infinity among its values, so all are doubles"
            guesses.append(Guess(f"type of {name!r}", "number", reason, "non_finite"))
        elif kind == LITERAL:
            reason = f"{seen} are kept as they stand in the file"
            if as_numbers(seen.shapes) == LiteralShape.NUMBER:
                reason = "numbers that neither a double of 15 digits nor a decimal of 38 holds"
            guesses.append(Guess(f"type of {name!r}", "text", reason, "types"))
        elif pa.types.is_decimal(kind.arrow):
            guesses.append(
                Guess(f"type of {name!r}", str(kind), "numbers of more than 15 digits", "types")
            )
    return guesses[:_GUESSED]


def _envelope(file: JsonText) -> str:
    return f"{file.name} holds one object, with an array of objects under {file.envelope!r}"


def _mixture_warnings(plan: JsonPlan, columns: SeenColumns) -> list[str]:
    """Columns in which a text and another value could be taken for each other."""
    warnings = [
        f"Column {name!r} mixes {_mixture(seen)}; `types: {{{name}: json}}` keeps the quotes"
        for name, seen in columns.items()
        if plan.types[name] == MIXED and name not in plan.given
    ]
    return warnings[:_GUESSED]


def _mixture(seen: SeenValues) -> str:
    return (
        f"{seen}: texts are kept as they are, other values as they stand in the file, so that the text"
        ' "77" and the number 77 are one'
    )
