"""Numbers whose marks could mean two things: `1.234` read by marks that were found somewhere else.

Detected marks come from some column of the first file. A column holds numbers by them only if, in each file, it has no
number with a mark or some number that can be read in one way only. Where every point is a decimal point as in ISO, the
same is asked as soon as any value of any file has a comma there beyond doubt. Else the column is text (R12).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from resources.formats.csv.chunks import CsvChunk
from resources.formats.csv.parse import ColumnLayout, line_of_record
from resources.formats.csv.plan import CsvPlan
from resources.formats.text_types.evidence import NOTHING, Evidence, ValueKind
from resources.formats.text_types.marks import Marks, MarkUse, find_foreign, find_use
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import ParseError
from resources.kernel.records import Guess

_NUMBERS = ValueKind.INTEGER | ValueKind.NUMBER
_DIGITS_IN_DOUBT = 3
_SHOWN = 40


@dataclass(frozen=True)
class ForeignNumber:
    """A number with a comma before its fraction, or points between thousands, where the rule has points there."""

    column: str
    row: int
    text: str


@dataclass(frozen=True)
class MarksSeen:
    """What a chunk says about marks."""

    uses: Mapping[str, MarkUse] = field(default_factory=dict)
    """By column of numbers."""
    foreign: ForeignNumber | None = None
    """The first that the chunk has."""

    @property
    def tells_files_apart(self) -> bool:
        """Whether it matters which file it came from."""
        return self.foreign is not None or any(
            use.open_thousands or use.open_decimal for use in self.uses.values()
        )


NO_MARKS = MarksSeen()


def _find_foreign(texts: pa.RecordBatch, names: Sequence[str]) -> ForeignNumber | None:
    for name in names:
        row = find_foreign(texts.column(name))
        if row is not None:
            return ForeignNumber(name, row, texts.column(name)[row].as_py())
    return None


def look_at_uses(
    texts: pa.RecordBatch, names: Sequence[str], rule: TypingRule
) -> dict[str, MarkUse]:
    """How columns of numbers use the marks of the rule."""
    marks = Marks(rule.decimal_mark, rule.thousands_mark)
    return {
        name: find_use(texts.column(name), marks)
        for name in names
        if texts.column(name).null_count < texts.num_rows
    }


def look(
    texts: pa.RecordBatch, plan: CsvPlan, evidence: Sequence[Evidence], *, has_foreign: bool
) -> MarksSeen:
    """What a chunk says while it is read. Marks of ISO need no look at their uses before something is against them."""
    present = frozenset(texts.schema.names)
    kinds = {
        name: plan.given[name].kind if name in plan.given else seen.kinds
        for name, seen in zip(plan.names, evidence, strict=True)
        if name in present and name not in plan.own_marks
    }
    uses: dict[str, MarkUse] = {}
    if not plan.rule.hasplain_numbers():
        uses = look_at_uses(texts, [n for n, kind in kinds.items() if kind & _NUMBERS], plan.rule)
    foreign = None
    if plan.rule.decimal_mark == "." and not has_foreign:
        foreign = _find_foreign(texts, [n for n, kind in kinds.items() if kind == NOTHING])
    return MarksSeen(uses, foreign)


def names_in_doubt(plan: CsvPlan, evidence: Sequence[Evidence]) -> list[str]:
    """Columns of numbers with marks, of which some may be meant otherwise."""
    is_plain = plan.rule.hasplain_numbers()
    return [
        name
        for name, column_type, seen in zip(plan.names, plan.types, evidence, strict=True)
        if column_type.kind & _NUMBERS
        and name not in plan.own_marks
        and (name in plan.given or not is_plain or seen.fraction_digits >= _DIGITS_IN_DOUBT)
    ]


@dataclass
class MarkWatch:
    """What all chunks together say about marks, file by file."""

    rule: TypingRule
    foreign: str = ""
    """The first number with a mark against those of ISO, with its place; empty if there is none."""
    _uses: dict[str, dict[str, MarkUse]] = field(default_factory=dict)

    def add_uses(self, file: str, uses: Mapping[str, MarkUse]) -> None:
        """Learns from some rows of a file."""
        known = self._uses.setdefault(file, {})
        for name, use in uses.items():
            known[name] = known[name].merge(use) if name in known else use

    def add_foreign(
        self, found: ForeignNumber | None, chunk: CsvChunk, layout: ColumnLayout
    ) -> None:
        """Keeps the first number that is against the marks."""
        if found is not None and not self.foreign:
            line = line_of_record(chunk, layout, found.row)
            place = f"column {found.column!r} of {layout.file.name}, line {line}"
            self.foreign = f"{found.text[:_SHOWN]!r} in {place}"

    def doubts(self, plan: CsvPlan, *, without: Collection[str] = ()) -> dict[str, Guess]:
        """Columns that `plan` has as numbers and that have to be text, with what is said about them.

        Args:
            plan: as it would be without doubts.
            without: files that are left out.

        Raises:
            ParseError: a column of a given type is in doubt: it cannot become text.
        """
        types = dict(zip(plan.names, plan.types, strict=True))
        found: dict[str, Guess] = {}
        for file, uses in self._uses.items():
            for name, use in uses.items() if file not in without else ():
                value = self._in_doubt(use)
                if not value or name in found or not types[name].kind & _NUMBERS:
                    continue
                found[name] = self._guess(name, value, file, is_thousands=bool(use.open_thousands))
                if name in plan.given:
                    raise _not_settled(name, file, found[name])
        return found

    def _in_doubt(self, use: MarkUse) -> str:
        if use.is_proven:
            return ""
        is_open = self.rule.decimal_mark != "." or self.foreign
        return use.open_thousands or (use.open_decimal if is_open else "")

    def _guess(self, name: str, value: str, file: str, *, is_thousands: bool) -> Guess:
        elsewhere = f"; another mark is in use: {self.foreign}" if self.foreign else ""
        reason = f"nothing in this column of {file} says what the mark in {value[:_SHOWN]!r} means{elsewhere}"
        override = "thousands_mark" if is_thousands else "decimal_mark"
        return Guess(f"type of {name!r}", "text", reason, override)


def _not_settled(name: str, file: str, guess: Guess) -> ParseError:
    return ParseError(
        guess.reason,
        file=file,
        column=name,
        hint="Give `decimal_mark:` and, if there is one, `thousands_mark:`",
    )
