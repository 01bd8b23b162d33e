"""What arrived, measured against what was sent: rows, and of each column how many values and how many bytes.

No database is trusted to refuse what it cannot store: several cut, pad, round or skip in silence, or a trigger of the
table does. Values that change their type on the way are compared one by one (`conversion` and its dialects); here the
whole of a delivery is counted again where it lies, before the COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resources.connectors.sql.writing.columns import WrittenColumn
from resources.kernel.errors import IntegrityError

Octets = Callable[[str, str], str | None]
"""SQL for the length in UTF-8 bytes of a column, by its type and its quoted name; None where that tells nothing."""


class SentCounts:
    """Counts what is sent, column by column.

    Attributes:
        values: how many values of each column are not null.
        octets: how many bytes the texts and bytes of each column have together.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.values = dict.fromkeys(schema.names, 0)
        self.octets = {field.name: 0 for field in schema if has_octets(field.type)}

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts one batch."""
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            self.values[name] += len(array) - array.null_count
            if name in self.octets:
                self.octets[name] += pc.sum(pc.binary_length(array)).as_py() or 0


def has_octets(kind: pa.DataType) -> bool:
    """Whether values of this type are texts or bytes."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


@dataclass(frozen=True)
class Measure:
    """One figure about a column, as SQL and as it was sent."""

    column: str
    sql: str
    sent: int
    what: str


def measures(
    pairs: Sequence[tuple[WrittenColumn, str, str]],
    tally: SentCounts,
    octets: Octets,
    quote: Callable[[str], str],
) -> list[Measure]:
    """What to ask of a table that holds one delivery.

    Args:
        pairs: columns with their name and type in the table.
        tally: what was sent.
        octets: how the database tells lengths.
        quote: how it quotes names.
    """
    found = []
    for column, name, kind in pairs:
        if column.is_null:
            continue
        sent, quoted = column.name, quote(name)
        found.append(Measure(sent, f"count({quoted})", tally.values[sent], "values"))
        length = octets(kind, quoted) if sent in tally.octets else None
        if length is not None:
            # Not every database adds up lengths in 64 bits, or says 0 for no row.
            total = f"coalesce(sum({length}), 0)"
            found.append(Measure(sent, total, tally.octets[sent], "bytes"))
    return found


def compare(asked: Sequence[Measure], answers: Sequence[object]) -> list[str]:
    """Which figures of the table differ from those of the delivery, in words."""
    return [
        f"column {measure.column!r}: {measure.sent:,} {measure.what} were sent, the table holds {stored:,}"
        for measure, answer in zip(asked, answers, strict=True)
        if (stored := int(str(answer).partition(".")[0])) != measure.sent
    ]


def refuse_losses(doing: str, problems: Sequence[str]) -> None:
    """Stops a delivery that did not arrive as it was sent.

    Raises:
        IntegrityError: there is a problem.
    """
    if problems:
        raise IntegrityError(
            f"{doing}: {'; '.join(problems[:5])}; the old rows stay",
            hint="The database stored other values than it was sent. Look at the columns' types, and at the"
            " table's triggers and rules",
            problems=list(problems),
        )
