"""The way in: a specification file -> what it holds, or everything that is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.csv_file import CsvFile
from assets.collections.specification.csv_groups import CsvGroups
from assets.collections.specification.json_file import JsonFile
from assets.collections.specification.problems import FileProblemError, ProblemList
from assets.collections.specification.sections import SKIP_FLAG, UPSERT_FLAG
from assets.collections.specification.source import Format, SpecificationSource
from resources.collections.duplicates import ImportFlags
from resources.collections.items import ItemDraft
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.rules import Problem
from resources.kernel.errors import SourceChangedError

BATCH_ITEMS = 5_000


@dataclass(frozen=True)
class Specification:
    """A specification that was read once.

    Args:
        file_name: as the user knows it.
        format: of the file; None: that could not be told.
        flags: what the file says of items that are known already; all false in CSV, which has no place for it.
        counts: items and URLs by type; of a refused file as far as it was read.
        problems: every error of items in the order of the file, at most `MOST_PROBLEMS`; or the one of the file.
        problem_counts: exact numbers by rule.
    """

    file_name: str
    format: Format | None
    flags: ImportFlags
    counts: SpecificationCounts
    problems: tuple[Problem, ...]
    problem_counts: Mapping[str, int]
    _path: Path = field(repr=False)
    _schema: MetadataSchema | None = field(default=None, repr=False)
    _groups: CsvGroups | None = field(default=None, repr=False)

    @property
    def problem_count(self) -> int:
        """All of them, those too that are not listed."""
        return sum(self.problem_counts.values())

    @property
    def is_refused(self) -> bool:
        """Nothing of it may be imported."""
        return bool(self.problems)

    def batches(self) -> Iterator[list[ItemDraft]]:
        """All items in the order of the file, some thousand at a time; none of a refused file. May be asked again.

        A group of a CSV file comes where its last row is.

        Raises:
            SourceChangedError: the file is not the one that was checked.
        """
        if self.is_refused:
            return
        drafts = self._drafts()
        while batch := list(islice(drafts, BATCH_ITEMS)):
            yield batch

    def all_problems(self) -> Iterator[Problem]:
        """Every problem, those too that are not listed: the file is read once more for them, in bounded memory."""
        if len(self.problems) == self.problem_count:
            yield from self.problems
            return
        problems = ProblemList(most=sys.maxsize)
        reading = _opened(self._path, self.file_name, self._schema, problems, SpecificationCounts())
        for _ in reading.read(with_drafts=False):
            yield from problems.take_listed()
        yield from problems.take_listed()

    def _drafts(self) -> Iterator[ItemDraft]:
        problems, counts = ProblemList(), SpecificationCounts()
        try:
            reading = _opened(
                self._path, self.file_name, self._schema, problems, counts, self._groups
            )
            for batch in reading.read(with_drafts=True):
                if problems.told():
                    break
                yield from batch
        except FileProblemError as error:
            problems.refuse_with(error.problem)
        if problems.told() or counts.items != self.counts.items or counts.urls != self.counts.urls:
            raise SourceChangedError(
                f"{self.file_name} is not the file that was checked",
                hint="Check it again, and import a copy that nothing writes to",
                file=self.file_name,
            )


def read_specification(
    source: Path, file_name: str, schema: MetadataSchema | None = None
) -> Specification:
    """Reads a specification once and checks all of it. Nothing in a file raises.

    Args:
        source: where the file lies; it must stay as it is while `batches` is used.
        file_name: as the user knows it: .json or .csv, which .gz, .bz2 or .zst may follow, or .zip with one of them.
        schema: what custom metadata is held against; without one any is taken.
    """
    problems, counts = ProblemList(), SpecificationCounts()
    reading: JsonFile | CsvFile | None = None
    try:
        reading = _opened(source, file_name, schema, problems, counts)
        for _ in reading.read(with_drafts=False):
            pass
    except FileProblemError as error:
        problems.refuse_with(error.problem)
    flags = reading.flags if isinstance(reading, JsonFile) else {}
    kind: Format = "json" if isinstance(reading, JsonFile) else "csv"
    return Specification(
        file_name=file_name,
        format=kind if reading else None,
        flags=ImportFlags(flags.get(SKIP_FLAG, False), flags.get(UPSERT_FLAG, False)),
        counts=counts,
        problems=problems.told(),
        problem_counts=problems.count_by_rule(),
        _path=source,
        _schema=schema,
        _groups=reading.groups if isinstance(reading, CsvFile) else None,
    )


def _opened(
    path: Path,
    file_name: str,
    schema: MetadataSchema | None,
    problems: ProblemList,
    counts: SpecificationCounts,
    groups: CsvGroups | None = None,
) -> JsonFile | CsvFile:
    kind, blocks = SpecificationSource(path, file_name).open()
    if kind == "json":
        return JsonFile(blocks, schema, problems, counts)
    return CsvFile(blocks, problems, counts, groups)
