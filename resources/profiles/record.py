"""A profile as it is kept and shown: plain values that JSON carries unchanged, no input or output here.

Numbers that a JSON number would change (decimals, integers beyond 2^53) are text, digit by digit. What is not exact
or was left out is said in `Profile.notes`, nowhere else and never silently. docs/profiles.md explains every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

FORMAT = 1
"""Of the record as it is kept; a reader that meets a newer one says so."""

Value = int | float | str
"""A finite number that JSON keeps, or text: an exact number, a moment in ISO form, a value as it is shown."""

Kind = Literal["number", "text", "boolean", "time", "nested", "binary"]
Method = Literal["pearson", "spearman", "cramers_v", "correlation_ratio"]
TimeUnit = Literal[
    "", "microsecond", "millisecond", "second", "minute", "hour", "day", "month", "year", "decade", "century",
    "millennium",
]  # fmt: skip
WarningCode = Literal[
    "all_missing",
    "mostly_missing",
    "constant",
    "imbalanced",
    "identifier",
    "unique",
    "high_cardinality",
    "numbers_as_text",
    "dates_as_text",
    "blank_texts",
    "long_texts",
    "skewed",
    "many_zeros",
    "infinities",
    "nans",
]
WARNINGS: Mapping[WarningCode, str] = {
    "all_missing": "every value is missing",
    "mostly_missing": "more than half of the values are missing",
    "constant": "all values are the same",
    "imbalanced": "one value makes up more than 95 % of the rows",
    "identifier": "looks like an identifier: every value is another, and none is a measure",
    "unique": "every value is another",
    "high_cardinality": "more than half of the texts occur once",
    "numbers_as_text": "every text is a number",
    "dates_as_text": "every text is a date or a time",
    "blank_texts": "some texts are empty or hold nothing but spaces",
    "long_texts": "some texts have more than 10,000 characters",
    "skewed": "a long tail: the skewness is above 10 or below -10",
    "many_zeros": "more than half of the values are zero",
    "infinities": "some values are infinite",
    "nans": "some values are NaN, which is not the same as missing",
}
"""What each warning says."""

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The fractions that `ColumnProfile.quantiles` holds, in this order."""
SHOWN_CHARACTERS = 200
"""Longer texts are cut, with an ellipsis as their last character."""
SAMPLE_ROWS = 10
TOP_VALUES = 10
EXTREMES = 5
ASSOCIATED_COLUMNS = 200
"""Most columns whose associations are measured."""
PATTERNS = 20
"""Most patterns of missing cells that are told."""


@dataclass(frozen=True)
class ProfiledVersion:
    """What a profile is of."""

    key: tuple[str, ...]
    """Of the table in the store: `("datasets", "flights")`."""
    version: int
    content: str
    """SHA-256 over the hashes of its files, in order: two versions that share it have the same rows."""


@dataclass(frozen=True)
class TopValue:
    """A value, and how many rows have it."""

    value: str
    """As it is shown; cut if it is long."""
    rows: int
    exact: Value | bool | None = None
    """The value itself, to ask for its rows; None where it was cut or is no scalar."""


@dataclass(frozen=True)
class Distribution:
    """How the values of a column lie.

    `histogram` (numbers) and `time`: `counts[i]` values from `edges[i]` on, below `edges[i + 1]`; the last edge belongs to the
    last bin. Values outside of the edges, where a long tail would hide all others, are counted in `below` and `above`.
    `bars` (texts, booleans): `counts[i]` rows have `labels[i]`, `others` rows one of `other_values` other values.
    """

    kind: Literal["histogram", "time", "bars"]
    counts: tuple[int, ...]
    edges: tuple[Value, ...] = ()
    labels: tuple[str, ...] = ()
    unit: TimeUnit = ""
    """Of the bins of time: each is one of these long."""
    below: int = 0
    above: int = 0
    others: int = 0
    other_values: int = 0


@dataclass(frozen=True)
class Lengths:
    """Characters of texts, bytes of binary values, elements of lists and entries of maps."""

    least: int
    mean: float
    most: int


@dataclass(frozen=True)
class ColumnProfile:
    """Facts of one column. A figure that does not apply to its kind, or that no value gives, is None.

    `lowest` to `distribution` are of the values that are neither missing nor NaN nor infinite; those are counted apart.
    """

    name: str
    position: int
    """From 0 on."""
    type: str
    """Arrow's, as it is shown elsewhere."""
    kind: Kind
    missing: int
    """Rows whose value is null."""
    distinct: int | None = None
    """How many different values there are, nulls apart; None where it was not counted (see the notes)."""
    once: int | None = None
    """How many values occur exactly once."""
    lowest: Value | None = None
    highest: Value | None = None
    mean: float | None = None
    std: float | None = None
    """Of a sample: divided by n - 1."""
    skew: float | None = None
    """Of a sample, adjusted (G1), as pandas and spreadsheets have it."""
    quantiles: tuple[Value, ...] = ()
    """At the fractions of `QUANTILES`: numbers linear between neighbours, times the value at or below."""
    zeros: int | None = None
    negatives: int | None = None
    infinities: int | None = None
    nans: int | None = None
    trues: int | None = None
    outliers: int | None = None
    """Numbers outside of `fences`."""
    fences: tuple[Value, Value] | None = None
    """Tukey's: one and a half times the distance of the quartiles away from them."""
    smallest: tuple[TopValue, ...] = ()
    """The lowest values, the lowest first."""
    largest: tuple[TopValue, ...] = ()
    """The highest values, the highest first."""
    blanks: int | None = None
    """Texts that are empty or hold white space alone."""
    lengths: Lengths | None = None
    top: tuple[TopValue, ...] = ()
    """The most frequent values, the most frequent first; equals by value."""
    distribution: Distribution | None = None
    warnings: tuple[WarningCode, ...] = ()

    def present(self, rows: int) -> int:
        """Values that are not missing, of `rows`."""
        return rows - self.missing

    @property
    def is_unique(self) -> bool:
        """Whether there are values, and every one is another."""
        return bool(self.distinct) and self.distinct == self.once


@dataclass(frozen=True)
class Association:
    """How far two columns go together: Pearson and Spearman from -1 to 1, Cramer's V and the correlation ratio from 0 to 1."""

    a: str
    b: str
    method: Method
    value: float
    rows: int
    """Rows that both columns have a value in: the value is of these."""


@dataclass(frozen=True)
class MissingPattern:
    """Columns that are missing together, and in how many rows just these are."""

    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class SampleRows:
    """The first rows, each cell as it is shown; None for a missing one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class Note:
    """Something that is not exact, or was left out."""

    about: Literal[
        "duplicates", "distinct", "associations", "missingness", "sample", "columns", "times"
    ]
    text: str
    """What and why, as a sentence."""
    columns: tuple[str, ...] = ()
    """The columns that it concerns, where it is not all of them."""
    sample_rows: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Profile:
    """All facts of one version of a table."""

    of: ProfiledVersion
    made_at: str
    """ISO, UTC."""
    seconds: float
    rows: int
    size_bytes: int
    """Of its files."""
    memory_bytes: int
    """As Arrow would hold it, by types and lengths."""
    missing_cells: int
    duplicate_rows: int | None
    """Rows that repeat an earlier one, exactly; None where they were not counted (see the notes)."""
    columns: tuple[ColumnProfile, ...]
    associations: tuple[Association, ...] = ()
    missingness: tuple[MissingPattern, ...] = ()
    sample: SampleRows = SampleRows((), ())
    notes: tuple[Note, ...] = ()
    format: int = FORMAT

    def column(self, name: str) -> ColumnProfile | None:
        """The facts of one column; None if there is none of this name."""
        return next((column for column in self.columns if column.name == name), None)

    def without_columns(self) -> Profile:
        """What belongs to the table as a whole."""
        return replace(self, columns=())


_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_column = msgspec.json.Decoder(ColumnProfile).decode


def encode_profile(profile: Profile) -> str:
    """As JSON."""
    return msgspec.json.encode(profile).decode()


def decode_profile(text: str | bytes) -> Profile:
    """From JSON; `msgspec.ValidationError` of anything else."""
    return _decode_profile(text)


def encode_column(column: ColumnProfile) -> str:
    """As JSON."""
    return msgspec.json.encode(column).decode()


def decode_column(text: str | bytes) -> ColumnProfile:
    """From JSON; `msgspec.ValidationError` of anything else."""
    return _decode_column(text)
