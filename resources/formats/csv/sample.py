"""A first look at the values: the decimal mark, the types to plan with, and why some columns are text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import pyarrow as pa

from resources.formats.csv.chunks import CsvChunk
from resources.formats.csv.doubts import MarkWatch, look, look_at_uses, names_in_doubt
from resources.formats.csv.layout import read_rows
from resources.formats.csv.lookalikes import find_lookalikes
from resources.formats.csv.marks import find_marks
from resources.formats.csv.opening import OpenedFiles
from resources.formats.csv.options import CsvOptions
from resources.formats.csv.parse import ColumnLayout, parse_chunk
from resources.formats.csv.plan import CsvPlan, make_plan, merge_all
from resources.formats.csv.reasons import explain_text, type_guess
from resources.formats.text_types.bad_values import looks_typed
from resources.formats.text_types.evidence import (
    IS_TEXT,
    NO_VALUES,
    NOTHING,
    Evidence,
    TextType,
)
from resources.formats.text_types.rule import examine
from resources.kernel.errors import ParseError
from resources.kernel.records import Guess

_FIRST_BYTES = 2 * 1024 * 1024
_OTHER_BYTES = 128 * 1024
_OTHER_FILES = 15
_EXPLAINED = 20


@dataclass(frozen=True)
class SampledChunk:
    """The first records of one file."""

    layout: ColumnLayout
    chunk: CsvChunk
    texts: pa.RecordBatch
    rest: Iterator[CsvChunk]
    """What comes behind them."""

    def is_whole(self) -> bool:
        """Whether the file has no other record."""
        try:
            return next(self.rest, None) is None
        except ParseError:
            return False


@dataclass
class FirstLook:
    """What the sample says."""

    plan: CsvPlan
    guesses: list[Guess] = field(default_factory=list)


def take_first_look(
    opened: OpenedFiles,
    options: CsvOptions,
    given: Mapping[str, TextType],
    block_bytes: int,
) -> FirstLook:
    """Plans the types from the beginnings of some files, of each at most `block_bytes`."""
    sample = _take_sample(opened, options, block_bytes)
    marks, guesses = find_marks(sample[0].texts if sample else None, options)
    rule = options.rule(marks)
    names = opened.names
    nothing = [NO_VALUES] * len(names)
    unseen = replace(
        make_plan(names, nothing, given, rule),
        rules=options.column_rules(rule),
        own_marks=options.own_marks,
    )
    evidence = reduce(merge_all, (_examine(part, unseen) for part in sample), nothing)
    texts = [name for name, found in zip(names, evidence, strict=True) if found.kinds == NOTHING]
    plan = unseen.with_evidence(evidence)
    guesses += _explain_texts(texts, sample, plan)
    doubts = _doubts(sample, plan, evidence) if options.detects_marks else {}
    if doubts:
        seen_now = zip(names, evidence, strict=True)
        evidence = [IS_TEXT if name in doubts else one for name, one in seen_now]
        plan = plan.with_evidence(evidence)
    guesses += doubts.values()
    if sample:
        separator = sample[0].layout.file.dialect.separator
        guesses += find_lookalikes(sample[0].texts, plan, separator)
    return FirstLook(plan, guesses)


def _examine(part: SampledChunk, plan: CsvPlan) -> list[Evidence]:
    """What the values of each column in a sample can be read as."""
    present = frozenset(part.layout.names).difference(plan.given)
    return [
        examine(part.texts[name], plan.rule_for(name)) if name in present else NO_VALUES
        for name in plan.names
    ]


def _doubts(
    sample: list[SampledChunk], plan: CsvPlan, evidence: Sequence[Evidence]
) -> dict[str, Guess]:
    """Columns of numbers that whole files leave in doubt: of others the end may tell."""
    watch = MarkWatch(plan.rule)
    for part in sample:
        watch.add_foreign(
            look(part.texts, plan, evidence, has_foreign=bool(watch.foreign)).foreign,
            part.chunk,
            part.layout,
        )
    is_plain = plan.rule.hasplain_numbers()
    if is_plain and not watch.foreign:
        return {}
    names = names_in_doubt(plan, evidence)
    for part in sample:
        here = [name for name in names if name in part.layout.names]
        uses = look_at_uses(part.texts, here, plan.rule)
        if any(use.is_open for use in uses.values()) and part.is_whole():
            watch.add_uses(part.layout.file.name, uses)
    return watch.doubts(plan)


def _take_sample(opened: OpenedFiles, options: CsvOptions, block_bytes: int) -> list[SampledChunk]:
    others = opened.layouts[1:]
    chosen = others[:: max(1, -(-len(others) // _OTHER_FILES))]
    sizes = [_FIRST_BYTES] + [_OTHER_BYTES] * len(chosen)
    sample = []
    for layout, size in zip([opened.layouts[0], *chosen], sizes, strict=True):
        try:
            rows = read_rows(layout, options, min(size, block_bytes))
            chunk = next(rows, None)
            if chunk is not None:
                sample.append(SampledChunk(layout, chunk, parse_chunk(chunk, layout), rows))
        except ParseError:
            if options.on_bad_file == "fail":
                raise  # with `skip` the file fails again while streaming, and is left out there
    return sample


def _explain_texts(names: list[str], sample: list[SampledChunk], plan: CsvPlan) -> list[Guess]:
    """For columns of text that look like numbers or dates: which value made them text."""
    guesses: list[Guess] = []
    for name in names:
        rule = plan.rule_for(name)
        holding = (part for part in sample if name in part.layout.names)
        typed = (part for part in holding if looks_typed(part.texts[name]))
        part = next((p for p in typed if examine(p.texts[name], rule).kinds == NOTHING), None)
        if part is None:
            continue
        bad = explain_text(part.texts[name], rule)
        guesses.append(type_guess(name, "text", bad, chunk=part.chunk, layout=part.layout))
        if len(guesses) == _EXPLAINED:
            break
    return guesses
