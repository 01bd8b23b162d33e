"""A JSON file -> batches of its records, line by line of bytes (J8, J11)."""

from __future__ import annotations

from collections.abc import Iterator

from assets.classifications.reading.batch import Batch, Findings, RecordList
from assets.classifications.reading.json_block import ShapeReader
from assets.classifications.reading.json_record import LINE_LIMIT, JsonRows
from assets.classifications.reading.signature import check_json_start
from assets.classifications.reading.source import Piece, RefusedFileError
from assets.classifications.schema import Encoding, ParseOptions, SetSchema

_BLANK = b" \t\r"


def read_json_lines(
    pieces: Iterator[Piece], schema: SetSchema, options: ParseOptions, findings: Findings
) -> Iterator[Batch]:
    """Batches in file order, not all of a block's records in line order.

    Raises:
        RefusedFileError: a rule about the whole file.
    """
    reader = _LineReader(schema, options, findings)
    for block in _whole_lines(pieces):
        yield from reader.feed(block)
    reader.finish()


def _whole_lines(pieces: Iterator[Piece]) -> Iterator[bytes]:
    """Blocks that end with a newline. Of a line above the limit only as much is kept as shows that it is."""
    carry: list[bytes] = []
    carried_bytes = 0
    for piece in pieces:
        cut = piece.data.rfind(b"\n") + 1
        if cut:
            yield b"".join([*carry, piece.data[:cut]])
            carry, carried_bytes = [], 0
        if carried_bytes <= LINE_LIMIT:
            carry.append(piece.data[cut:])
            carried_bytes += len(piece.data) - cut
    if carried_bytes:
        yield b"".join([*carry, b"\n"])


class _LineReader:
    def __init__(self, schema: SetSchema, options: ParseOptions, findings: Findings) -> None:
        self._schema = schema
        self._options = options
        self._findings = findings
        self._shapes = ShapeReader(schema, options)
        self._line = 0  # the line read last
        self._has_records = False

    def feed(self, block: bytes) -> Iterator[Batch]:
        if not self._has_records:
            self._check_start(block)
        if len(block) > LINE_LIMIT + self._options.piece_bytes:
            yield from self._read_exactly(block)
            return
        is_transcoded = self._is_plain_latin1(block)
        if is_transcoded:
            block = block.decode("latin-1").encode()
        shaped = self._shapes.read(block, is_transcoded=is_transcoded)
        for batch in shaped.batches:
            yield batch.with_rows_from(self._line + 1)
        rows = self._new_rows()
        for number, (start, end) in zip(shaped.left.tolist(), shaped.spans.tolist(), strict=True):
            line = block[start:end]
            if line.strip(_BLANK):
                line = line.decode().encode("latin-1") if is_transcoded else line
                rows.take(self._line + 1 + number, line)
        self._line += shaped.count
        yield from rows.records.to_batches()

    def _is_plain_latin1(self, block: bytes) -> bool:
        """A Latin-1 file's block in which no line says otherwise in plain letters."""
        is_latin1 = self._options.encoding is Encoding.LATIN1
        return is_latin1 and b"enc" not in block and not block.isascii()

    def _read_exactly(self, block: bytes) -> list[Batch]:
        """A block with a line that is too long: the marks of all of it would need too much memory."""
        rows = self._new_rows()
        for line in block[:-1].split(b"\n"):
            self._line += 1
            if line.strip(_BLANK):
                rows.take(self._line, line)
        return rows.records.to_batches()

    def _new_rows(self) -> JsonRows:
        return JsonRows(self._schema, self._options, RecordList(self._schema), self._findings)

    def finish(self) -> None:
        if not self._has_records:
            raise RefusedFileError("file_empty", "there is no record")

    def _check_start(self, block: bytes) -> None:
        start = 0
        while start < len(block):
            end = block.find(b"\n", start)
            if block[start:end].strip(_BLANK):
                self._has_records = True
                check_json_start(block[start:end])
                return
            start = end + 1
