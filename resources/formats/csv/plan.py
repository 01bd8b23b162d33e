"""The types of a dataset's columns: what was planned, how a chunk is converted, and what the chunk taught us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from resources.formats.text_types.evidence import (
    IS_TEXT,
    NO_VALUES,
    TEXT,
    Evidence,
    TextType,
    decide,
)
from resources.formats.text_types.rule import TypingRule, convert, examine
from resources.kernel.records import Guess


@dataclass(frozen=True)
class CsvPlan:
    """Names and types of all columns, in order."""

    names: tuple[str, ...]
    types: tuple[TextType, ...]
    given: Mapping[str, TextType]
    """Columns whose type the user gave: `types` holds the same."""
    unseen: frozenset[str]
    """Columns without any value so far: text until one turns up, which may change the plan."""
    rule: TypingRule
    """Of columns without settings of their own."""
    rules: Mapping[str, TypingRule] = field(default_factory=dict)
    """Of columns that have some."""
    own_marks: frozenset[str] = frozenset()
    """Columns whose decimal and thousands marks are given: nothing about them is in doubt."""

    def rule_for(self, name: str) -> TypingRule:
        """The rule of a column."""
        return self.rules.get(name, self.rule)

    @property
    def schema(self) -> pa.Schema:
        """As Arrow has it."""
        return pa.schema(
            [(name, kind.arrow) for name, kind in zip(self.names, self.types, strict=True)]
        )

    def guesses(self) -> list[Guess]:
        """Columns whose numbers are too long for a double."""
        return [
            Guess(
                f"type of {name!r}",
                str(kind),
                "numbers of more than 15 digits that a double does not give back",
                "types",
            )
            for name, kind in zip(self.names, self.types, strict=True)
            if pa.types.is_decimal(kind.arrow) and name not in self.given
        ]

    def with_evidence(self, evidence: Sequence[Evidence]) -> CsvPlan:
        """The plan that follows for the same columns from other evidence."""
        new = make_plan(self.names, evidence, self.given, self.rule)
        return replace(new, rules=self.rules, own_marks=self.own_marks)

    def differences(self, newer: CsvPlan) -> dict[str, str]:
        """Columns that `newer` types differently, with their new types."""
        pairs = zip(self.names, self.types, newer.types, strict=True)
        return {name: str(new) for name, old, new in pairs if old != new}


def make_plan(
    names: Sequence[str],
    evidence: Sequence[Evidence],
    given: Mapping[str, TextType],
    rule: TypingRule,
) -> CsvPlan:
    """The plan that follows from what was seen."""
    types = [given.get(name) or decide(seen) for name, seen in zip(names, evidence, strict=True)]
    unseen = {
        name
        for name, seen in zip(names, evidence, strict=True)
        if seen == NO_VALUES and name not in given
    }
    return CsvPlan(tuple(names), tuple(types), given, frozenset(unseen), rule)


@dataclass(frozen=True)
class ConvertedColumn:
    """One column of a chunk after conversion."""

    values: pa.Array | None
    """None: some value does not fit the plan."""
    evidence: Evidence


def convert_column(
    texts: pa.Array, name: str, column_type: TextType, plan: CsvPlan
) -> ConvertedColumn:
    """A column of a chunk as planned, or the evidence that the plan must change."""
    if name in plan.unseen:
        return ConvertedColumn(texts, examine(texts, plan.rule_for(name)))
    if column_type == TEXT:
        return ConvertedColumn(texts, IS_TEXT)
    found = convert(texts, column_type, plan.rule_for(name))
    if found is None:
        return ConvertedColumn(None, examine(texts, plan.rule_for(name)))
    return ConvertedColumn(*found)


def merge_all(one: Sequence[Evidence], other: Sequence[Evidence]) -> list[Evidence]:
    """Evidence of two stretches of the same columns together."""
    return [a.merge(b) for a, b in zip(one, other, strict=True)]
