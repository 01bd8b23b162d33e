"""What an encoder is: learnt from a table, it turns every row into a vector and says how; and what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from assets.features.source import TableSource
from resources.kernel.errors import ConfigError
from resources.kernel.records import BatchStream

DEFAULT_DIMENSION = 32
MAX_DIMENSION = 4096
RESERVED = ("row_number", "vector", "x", "y")
"""Columns that an embedding adds to those passed on."""


@dataclass(frozen=True)
class EmbeddingSpec:
    """What to embed, as the user asked for it."""

    name: str
    columns: tuple[str, ...] | None = None
    """Columns that make the vector; all but keys and labels when None."""
    label: tuple[str, ...] = ()
    """Columns passed on to colour and search by."""
    key: tuple[str, ...] = ()
    """Columns passed on to find the row again."""
    dimension: int = DEFAULT_DIMENSION
    seed: int = 0
    normalize: bool = False
    """Whether every vector has length 1, so that the dot product is the cosine."""

    @property
    def where(self) -> str:
        """The embedding, for error texts."""
        return f"embedding {self.name!r}"

    @property
    def passed_on(self) -> list[str]:
        """Keys, then labels, each once."""
        return list(dict.fromkeys([*self.key, *self.label]))


class FittedEncoder(Protocol):
    """An encoder that has learnt a table."""

    def properties(self) -> dict[str, Any]:
        """How the vectors are made, in JSON types: `method`, `dimension` and what else explains them."""

    def embed(self, source: TableSource) -> BatchStream:
        """Every row in order: `row_number`, keys and labels, `vector`, and its place `x`, `y` in a picture."""


class Encoder(Protocol):
    """A way to vectors."""

    def __call__(self, source: TableSource, spec: EmbeddingSpec) -> FittedEncoder:
        """Learns a table.

        Raises:
            WaybillError: the settings or the table do not allow it.
        """


def embedding_schema(schema: pa.Schema, spec: EmbeddingSpec, dimension: int) -> pa.Schema:
    """Columns of the stored table."""
    return pa.schema(
        [
            pa.field("row_number", pa.int64(), nullable=False),
            *(schema.field(name) for name in spec.passed_on),
            pa.field("vector", pa.list_(pa.float32(), dimension)),
            pa.field("x", pa.float32()),
            pa.field("y", pa.float32()),
        ]
    )


def check_settings(spec: EmbeddingSpec, *, where: str) -> None:
    """Refuses settings that no table could satisfy; `where` is the place to name.

    Raises:
        ConfigError: a dimension or seed out of range, a column passed on that has a reserved name.
    """
    if not 1 <= spec.dimension <= MAX_DIMENSION:
        raise ConfigError(
            f"{where}: dimension is {spec.dimension}, but must lie between 1 and {MAX_DIMENSION}",
            hint=f"Leave it out for {DEFAULT_DIMENSION}",
        )
    if not 0 <= spec.seed < 2**32:
        raise ConfigError(
            f"{where}: seed is {spec.seed}, but must lie between 0 and {2**32 - 1}",
            hint="Any small number will do",
        )
    for name in spec.passed_on:
        if name.casefold() in RESERVED:
            raise ConfigError(
                f"{where}: column {name!r} has the name of a column that the embedding adds",
                hint=f"Rename it in a transform; added are {', '.join(RESERVED)}",
            )
