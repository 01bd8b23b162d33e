"""Texts of documents as the catalog holds them, and as columns of the collection's table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from assets.collections.declaration import Output
from resources.kernel.errors import IntegrityError

if TYPE_CHECKING:
    from resources.documents.document import Document

_SIZE_BYTES = 8
_MOST_BYTES = 1 << 31


def pack(document: Document) -> bytes:
    """A document as msgpack, compressed by zstd, behind its size."""
    plain = msgspec.msgpack.encode(document)
    packed: bytes = _codec().compress(plain, asbytes=True)
    return len(plain).to_bytes(_SIZE_BYTES, "little") + packed


def unpack(packed: bytes) -> Document:
    """What `pack` was given.

    Raises:
        IntegrityError: it is something else.
    """
    size = plain_bytes(packed)
    try:
        if size > _MOST_BYTES:
            raise ValueError(f"{size:,} bytes")
        plain = _codec().decompress(packed[_SIZE_BYTES:], decompressed_size=size, asbytes=True)
        return _decoder().decode(plain)
    except (ValueError, OSError, msgspec.DecodeError) as error:
        raise IntegrityError(f"a text of the catalog cannot be read: {error}") from error


def plain_bytes(packed: bytes) -> int:
    """How many bytes a document takes that is not compressed."""
    return int.from_bytes(packed[:_SIZE_BYTES], "little")


def plain_document(lines: Sequence[str]) -> Document:
    """Lines of text as a document."""
    from resources.documents.document import Document, Paragraph

    return Document(blocks=[Paragraph(line) for line in lines])


class TextsOfDocuments:
    """Columns of the collection's table that its documents fill. See `TextColumns`.

    Args:
        output: what a text is shown as whose task did not say it.
    """

    schema = pa.schema(
        [
            pa.field("text", pa.string()),
            pa.field("language", pa.string()),
            pa.field("author", pa.string()),
            pa.field("published", pa.string()),
            pa.field("pages", pa.int64()),
            pa.field("characters", pa.int64()),
            pa.field("tables", pa.string()),
        ]
    )
    """`tables` are all tables of the document, as JSON: each a list of rows, each a list of cells."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def arrays(
        self, outputs: Sequence[str | None], texts: Sequence[bytes | None]
    ) -> list[pa.Array]:
        """The columns of some items."""
        rows = [
            (None,) * len(self.schema) if packed is None else self._row(output, unpack(packed))
            for output, packed in zip(outputs, texts, strict=True)
        ]
        columns = zip(*rows, strict=True) if rows else [()] * len(self.schema)
        return [
            pa.array(values, field.type) for values, field in zip(columns, self.schema, strict=True)
        ]

    def bytes_of(self, text: bytes) -> int:
        """How many bytes a text has that is not packed any longer."""
        return plain_bytes(text)

    def _row(self, output: str | None, document: Document) -> tuple[Any, ...]:
        from resources.documents.document import Table
        from resources.documents.markdown import to_json, to_markdown, to_text

        shown = {"markdown": to_markdown, "json": to_json, "text": to_text}
        tables = [block.rows for block in document.blocks if isinstance(block, Table)]
        return (
            shown[output or self._output](document),
            document.language or None,
            document.author or None,
            document.created or None,
            len(document.pages) or None,
            document.characters,
            msgspec.json.encode(tables).decode() if tables else None,
        )


@cache
def _codec() -> Any:
    return pa.Codec("zstd")


@cache
def _decoder() -> msgspec.msgpack.Decoder[Document]:
    from resources.documents.document import Document

    return msgspec.msgpack.Decoder(Document)
