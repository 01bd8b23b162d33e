"""The CSV reader: files to one stream of typed batches, every value checked, memory bounded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce

import pyarrow as pa

from resources.formats.compression import BLOCK_BYTES
from resources.formats.csv.bundles import bundle, convert_bundle
from resources.formats.csv.convert import (
    ChunkConverter,
    ConvertedCsv,
    FailedCsv,
    FileChunk,
)
from resources.formats.csv.doubts import MarkWatch, look_at_uses, names_in_doubt
from resources.formats.csv.layout import read_rows
from resources.formats.csv.opening import (
    OpenedFiles,
    encoding_guess,
    open_files,
    settle_encoding,
)
from resources.formats.csv.options import CsvOptions
from resources.formats.csv.parse import ColumnLayout, parse_chunk
from resources.formats.csv.plan import CsvPlan, merge_all
from resources.formats.csv.reasons import explain_misfit, type_guess
from resources.formats.csv.sample import take_first_look
from resources.formats.files import SourceFile
from resources.formats.ordered import in_order
from resources.formats.partitions import of_file
from resources.formats.text_types.evidence import IS_TEXT, NO_VALUES, NOTHING, Evidence
from resources.formats.text_types.given import parse_type
from resources.formats.text_types.marks import MarkUse
from resources.kernel.errors import InputError, SourceChangedError, UnknownNameError
from resources.kernel.records import BatchStream, Guess, Retype

_MANY_COLUMNS = 1000
_WIDE_BLOCK_BYTES = 32 * 1024 * 1024


class CsvReader:
    """One dataset from CSV files that share a header.

    Types are planned from a sample and checked on every value while streaming. A value against the plan ends the
    stream, after all values were seen, with `Retype`; the stream asked for next has the types that hold.

    `block_bytes` is how much text one step of work takes: memory is a small multiple of it. Very wide files get larger
    steps, since each column costs something in each step.

    ```python
    reader = CsvReader([SourceFile("flights.csv", path)])
    stream = reader.stream()
    ```
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        options: CsvOptions | None = None,
        *,
        block_bytes: int | None = None,
    ) -> None:
        self._files = list(files)
        self._options = options or CsvOptions()
        self._given_block_bytes = block_bytes
        self._opened: OpenedFiles | None = None
        self._plan: CsvPlan | None = None
        self._guesses: list[Guess] = []
        self._seen_all = False

    def stream(self) -> BatchStream:
        """The rows of all files in the order given, each file's columns matched by name.

        Iterating raises `Retype` at the end of a stream whose types did not hold; what came from it is void.

        Raises:
            EmptySourceError: a file without a byte (E25). A header alone is a table without rows (E26).
            ParseError: a file breaks its format; with file, line, column (E27-E33). Also while iterating.
            SchemaMismatchError: files whose columns differ.
            InputError: columns without a name or of one name (E22).
            UnknownNameError: `types:` names a column that is not there.
        """
        opened, plan = self._prepare()
        stream = BatchStream(
            plan.schema,
            iter(()),
            self._guesses + plan.guesses(),
            opened.left_out.warnings() + opened.warnings,
        )
        stream.batches = self._read(opened, plan, stream)
        return stream

    def _prepare(self) -> tuple[OpenedFiles, CsvPlan]:
        if self._opened is None or self._plan is None:
            opened = open_files(self._files, self._options)
            given = {
                name: parse_type(kind, where=f"types: {name}")
                for name, kind in self._options.types.items()
            }
            for name, option in self._options.columns_named.items():
                if name not in opened.names:
                    raise UnknownNameError("column", name, opened.names, where=option)
            look = take_first_look(opened, self._options, given, self._block_bytes(opened))
            self._guesses = opened.guesses + look.guesses
            self._opened, self._plan = opened, look.plan
        return self._opened, self._plan

    def _block_bytes(self, opened: OpenedFiles) -> int:
        wide = _WIDE_BLOCK_BYTES if len(opened.names) > _MANY_COLUMNS else BLOCK_BYTES
        return self._given_block_bytes or wide

    def _read(
        self, opened: OpenedFiles, plan: CsvPlan, stream: BatchStream
    ) -> Iterator[pa.RecordBatch]:
        run = _Pass(plan, opened, stream, watches_marks=self._options.detects_marks)
        for result in self._converted(opened, run):
            if isinstance(result, FailedCsv):
                self._leave_out(result, run)
            elif (batch := run.take(result)) is not None:
                yield of_file(batch, result.source.layout.file.name)
        self._finish(run)

    def _converted(self, opened: OpenedFiles, run: _Pass) -> Iterator[ConvertedCsv | FailedCsv]:
        chunks = self._chunks(opened, run)
        # A file that may be left out must be learnt from alone.
        items = bundle(chunks) if self._options.on_bad_file == "fail" else chunks
        for results in in_order(partial(convert_bundle, run.converter), items):
            yield from results

    def _chunks(self, opened: OpenedFiles, run: _Pass) -> Iterator[FileChunk | FailedCsv]:
        size = self._block_bytes(opened)  # once: it looks at the columns of every file
        for layout in list(opened.layouts):
            try:
                for chunk in read_rows(layout, self._options, size):
                    if layout.file.name in run.failed:
                        break
                    yield FileChunk(layout, chunk)
            except InputError as error:
                yield FailedCsv(layout, error)

    def _leave_out(self, failure: FailedCsv, run: _Pass) -> None:
        if "byte_offset" in failure.error.facts:
            self._settle_encodings(run.opened)
        run.opened.left_out.add(failure.layout.file.name, failure.error)
        run.failed.add(failure.layout.file.name)

    def _settle_encodings(self, opened: OpenedFiles) -> None:
        """Starts again if files that began as UTF-8 are something else beyond doubt. All at once: each is asked once."""
        changed: dict[str, str] = {}
        for number, layout in enumerate(opened.layouts):
            encoding = settle_encoding(layout.file.source, layout.file.encoding)
            if encoding != layout.file.encoding:
                file = replace(layout.file, encoding=encoding)
                opened.layouts[number] = replace(layout, file=file)
                guess = encoding_guess(file.source, encoding, is_first=number == 0)
                self._guesses = [one for one in self._guesses if one.subject != guess.subject]
                self._guesses.append(guess)
                changed[guess.subject] = encoding.codec
        if changed:
            raise Retype(changed)

    def _finish(self, run: _Pass) -> None:
        """Compares what was planned with all that was seen; remembers what holds."""
        opened, old = run.opened, run.plan
        opened.layouts = [one for one in opened.layouts if one.file.name not in run.failed]
        evidence = run.evidence()
        new = old.with_evidence(evidence)
        if run.marks.foreign and old.rule.hasplain_numbers() and not self._seen_all:
            self._look_again(names_in_doubt(new, evidence), run)
        doubts = run.marks.doubts(new, without=run.failed)
        if doubts:
            seen = zip(old.names, evidence, strict=True)
            evidence = [IS_TEXT if name in doubts else one for name, one in seen]
            new = old.with_evidence(evidence)
        differences = old.differences(new)
        self._plan = new
        for guess in (*run.guesses(new, without=doubts), *doubts.values()):
            self._guesses.append(guess)
            run.stream.guesses.append(guess)
        if not differences and not run.failed:
            self._seen_all = True
            return
        if self._seen_all:
            raise SourceChangedError(
                f"{opened.layouts[0].file.name} changed while it was read",
                hint="Run it again once the file is complete",
            )
        self._seen_all = True
        raise Retype(differences)

    def _look_again(self, names: Sequence[str], run: _Pass) -> None:
        """Learns how columns use points, now that some number was found in which they are none of decimals.

        Only then, since it costs another reading of the files.
        """

        def uses(item: FileChunk) -> tuple[str, dict[str, MarkUse]]:
            texts = parse_chunk(item.chunk, item.layout)
            here = [name for name in names if name in item.layout.names]
            return item.layout.file.name, look_at_uses(texts, here, run.plan.rule)

        if names:
            size = self._block_bytes(run.opened)
            chunks = (
                FileChunk(layout, chunk)
                for layout in run.opened.layouts
                for chunk in read_rows(layout, self._options, size)
            )
            for file, found in in_order(uses, chunks):
                run.marks.add_uses(file, found)


class _Pass:
    """One reading of all files by one plan."""

    def __init__(
        self, plan: CsvPlan, opened: OpenedFiles, stream: BatchStream, *, watches_marks: bool
    ) -> None:
        self.plan = plan
        self.opened = opened
        self.stream = stream
        self.converter = ChunkConverter(plan, watches_marks=watches_marks)
        self.marks = MarkWatch(plan.rule)
        self.failed: set[str] = set()
        self._holds = True
        self._evidence: dict[str, list[Evidence]] = {}
        self._reasons: dict[str, Guess] = {}

    def take(self, result: ConvertedCsv) -> pa.RecordBatch | None:
        """Learns from a chunk; its batch, if all has gone by the plan so far."""
        layout = result.source.layout
        if layout.file.name in self.failed:
            return None
        before = self._evidence.get(layout.file.name)
        after = result.evidence if before is None else merge_all(before, result.evidence)
        self._evidence[layout.file.name] = after
        self._learn(result, layout)
        if result.batch is None or self.failed:
            self._holds = False
        return result.batch if self._holds else None

    def _learn(self, result: ConvertedCsv, layout: ColumnLayout) -> None:
        for misfit in result.misfits:
            if misfit.name not in self._reasons:
                bad = explain_misfit(
                    misfit.texts, misfit.column_type, self.plan.rule_for(misfit.name)
                )
                self._reasons[misfit.name] = type_guess(
                    misfit.name, "", bad, chunk=result.source.chunk, layout=layout
                )
        for name, seen in zip(self.plan.names, result.evidence, strict=True):
            if seen.kinds == NOTHING:
                self.converter.settled.add(name)
        self.marks.add_uses(layout.file.name, result.marks.uses)
        self.marks.add_foreign(result.marks.foreign, result.source.chunk, layout)
        self.converter.has_foreign = bool(self.marks.foreign)

    def evidence(self) -> list[Evidence]:
        """What all files that could be read say."""
        kept = [seen for name, seen in self._evidence.items() if name not in self.failed]
        return reduce(merge_all, kept, [NO_VALUES] * len(self.plan.names))

    def guesses(self, new: CsvPlan, *, without: Collection[str] = ()) -> Iterator[Guess]:
        """Why columns have another type than planned, but for those `without`."""
        types = dict(zip(new.names, new.types, strict=True))
        for name, guess in self._reasons.items():
            if name in without:
                continue
            yield Guess(guess.subject, str(types[name]), guess.reason, guess.override)
