"""A block of JSON lines -> batches of the lines whose shape is known and whose values are surely good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_arrow, to_mask, valid_mask, with_nulls
from assets.classifications.reading.batch import Batch, Rewritten
from assets.classifications.reading.convert import convert_column
from assets.classifications.reading.json_shape import Hole, Shape, learn_shape
from assets.classifications.reading.spans import (
    find_odd_keys,
    find_token,
    take_texts,
)
from assets.classifications.schema import (
    DELETE_TOKEN,
    EMPTY_TOKEN,
    VALUE_LIMIT,
    ColumnType,
    Encoding,
    ParseOptions,
    SetSchema,
)
from resources.formats.json.structure import find_quotes

_WORD_BYTES = 8
_FEW_LINES = 32  # a shape with fewer lines in a block is not worth the whole-array operations
_MOST_SHAPES = 128
_MOST_MISSES = 16  # examples of a block that taught nothing, before the rest is read line by line
_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_ODD_ELEMENT = r"^ | $|^$"
_NEWLINE, _RETURN, _SPACE = 10, 13, 32


@dataclass(frozen=True)
class _Block:
    """Bytes and marks of a block.

    Args:
        data: the block, then `_WORD_BYTES` zeros.
        starts, ends: (lines,) of each line without its line end.
        quotes: places of quotes that no backslash escapes.
        first_quote: (lines + 1,) which quote is the first of each line.
        has_escapes: a backslash is somewhere.
        is_utf8: all of it is.
        is_transcoded: it was Latin-1 in the file.
        is_foreign: (lines,) has bytes beyond ASCII.
    """

    data: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    quotes: np.ndarray
    first_quote: np.ndarray
    has_escapes: bool
    is_utf8: bool
    is_transcoded: bool
    is_foreign: np.ndarray

    def marks(self, lines: np.ndarray, count: int) -> np.ndarray:
        """(marks, lines) as `Edge` counts them, of lines that have so many quotes."""
        marks = np.empty((count + 2, len(lines)), np.int32)
        marks[0] = self.starts[lines]
        marks[-1] = self.ends[lines]
        if len(lines) * count == len(self.quotes):
            marks[1:-1] = self.quotes.reshape(-1, count).T
            return marks
        marks[1:-1] = self.quotes[self.first_quote[lines] + np.arange(count)[:, None]]
        return marks


@dataclass(frozen=True)
class ShapedLines:
    """What shapes made of a block.

    Args:
        batches: of lines that are surely good, rows counted from 0 in the block.
        left: numbers of the other lines.
        spans: (left, 2) where those start and end.
        count: all lines of the block.
    """

    batches: list[Batch]
    left: np.ndarray
    spans: np.ndarray
    count: int


class ShapeReader:
    """Knows the shapes seen so far in a file."""

    def __init__(self, schema: SetSchema, options: ParseOptions) -> None:
        self._schema = schema
        self._options = options
        self._shapes: dict[int, list[Shape]] = {}
        self._count = 0

    def read(self, data: bytes, *, is_transcoded: bool) -> ShapedLines:
        """Take the lines whose shape is known or can be learned from a neighbour."""
        block, is_left = _find_marks(data, is_transcoded=is_transcoded)
        counts = np.diff(block.first_quote)
        batches = []
        self._misses = 0
        for count in np.unique(counts[~is_left]).tolist():
            lines = np.flatnonzero((counts == count) & ~is_left)
            is_left[lines] = True
            for shape, matched in self._match(data, block, lines, count):
                batch, good = _ShapeBatch(block, shape, self._schema, self._options).read(matched)
                batches.append(batch)
                is_left[matched[good]] = False
        left = np.flatnonzero(is_left)
        spans = np.stack([block.starts[left], block.ends[left]], axis=1)
        return ShapedLines(batches, left, spans, len(is_left))

    def _match(
        self, data: bytes, block: _Block, lines: np.ndarray, count: int
    ) -> Iterator[tuple[Shape, np.ndarray]]:
        """Known shapes, then new ones, with the lines that have them."""
        for shape in self._shapes.get(count, []):
            matched = _lines_of_shape(block, shape, lines)
            if len(matched) >= _FEW_LINES:
                lines = _without(lines, matched)
                yield shape, matched
        while len(lines) >= _FEW_LINES and self._misses < _MOST_MISSES:
            learned = self._learn(data, block, int(lines[0]))
            matched = lines[:1] if learned is None else _lines_of_shape(block, learned, lines)
            lines = _without(lines, matched)
            if learned is None or len(matched) < _FEW_LINES:
                self._misses += 1
                continue
            if self._count < _MOST_SHAPES:
                self._shapes.setdefault(count, []).append(learned)
                self._count += 1
            yield learned, matched

    def _learn(self, data: bytes, block: _Block, line: int) -> Shape | None:
        start, end = int(block.starts[line]), int(block.ends[line])
        quotes = block.quotes[block.first_quote[line] : block.first_quote[line + 1]] - start
        return learn_shape(data[start:end], quotes.tolist(), self._schema)


def _without(lines: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Both ascending."""
    if len(taken) == len(lines):
        return lines[:0]
    keep = np.ones(len(lines), bool)
    keep[np.searchsorted(lines, taken)] = False
    return lines[keep]


def _find_marks(data: bytes, *, is_transcoded: bool) -> tuple[_Block, np.ndarray]:
    """Lines and quotes, and which lines no shape can have: a control character somewhere, no quote."""
    padded = np.frombuffer(data + bytes(_WORD_BYTES), np.uint8)
    block = padded[: len(data)]
    controls = np.flatnonzero(block < _SPACE).astype(np.int32)
    is_newline = block[controls] == _NEWLINE
    newlines = controls[is_newline]
    starts = np.concatenate([np.zeros(1, np.int32), newlines[:-1] + 1])
    ends = newlines - ((block[newlines - 1] == _RETURN) & (newlines > starts))
    others = controls[~is_newline]
    lines_of_others = np.searchsorted(newlines, others)
    quotes = find_quotes(data).astype(np.int32)
    first_quote = np.searchsorted(quotes, np.concatenate([starts, [len(data)]])).astype(np.int32)
    is_left = np.diff(first_quote) == 0
    is_left[lines_of_others[others != ends[lines_of_others]]] = True
    is_utf8, is_foreign = _look_beyond_ascii(data, block, starts)
    if not is_utf8:
        is_left |= is_foreign
    marks = _Block(
        data=padded,
        starts=starts,
        ends=ends,
        quotes=quotes,
        first_quote=first_quote,
        has_escapes=b"\\" in data,
        is_utf8=is_utf8,
        is_transcoded=is_transcoded,
        is_foreign=is_foreign,
    )
    return marks, is_left


def _look_beyond_ascii(
    data: bytes, block: np.ndarray, starts: np.ndarray
) -> tuple[bool, np.ndarray]:
    if data.isascii():
        return True, np.zeros(len(starts), bool)
    try:
        data.decode()
        is_utf8 = True
    except UnicodeDecodeError:
        is_utf8 = False
    return is_utf8, np.maximum.reduceat(block, starts) >= 0x80


def _lines_of_shape(block: _Block, shape: Shape, lines: np.ndarray) -> np.ndarray:
    """Those of the lines, which have the right number of quotes, that have the shape's bytes."""
    marks = block.marks(lines, shape.quotes)
    for fixed in shape.fixed:
        starts = marks[fixed.start.mark] + fixed.start.shift
        is_same = marks[fixed.end.mark] + fixed.end.shift - starts == len(fixed.content)
        if not is_same.all():
            lines, marks, starts = lines[is_same], marks[:, is_same], starts[is_same]
        is_same = _has_bytes(block.data, starts, fixed.content)
        if not is_same.all():
            lines, marks = lines[is_same], marks[:, is_same]
        if not len(lines):
            break
    return lines


def _has_bytes(data: np.ndarray, starts: np.ndarray, content: bytes) -> np.ndarray:
    """Whether the bytes at each place are these; eight are compared at once."""
    words = np.ndarray((len(data) - _WORD_BYTES + 1,), "<u8", data, strides=(1,))
    is_same = np.ones(len(starts), bool)
    for place in range(0, len(content), _WORD_BYTES):
        piece = content[place : place + _WORD_BYTES]
        word = words[starts + place]
        if len(piece) < _WORD_BYTES:
            word &= np.uint64((1 << 8 * len(piece)) - 1)
        is_same &= word == np.uint64(int.from_bytes(piece, "little"))
    return is_same


class _Columns:
    """Values of the columns of a batch, and what the lines without one say."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.values: dict[str, pa.Array] = {}
        self.rewritten: list[Rewritten] = []
        self._tokens: dict[str, np.ndarray] = {}
        self._blanks: dict[str, np.ndarray] = {}

    def add(self, name: str, values: pa.Array, is_valued: np.ndarray, is_token: np.ndarray) -> None:
        self.values[name] = values
        self._tokens[name] = is_token
        self._blanks[name] = ~is_valued & ~is_token

    def clear(self, name: str) -> None:
        self._tokens[name] = np.ones(self.count, bool)

    def cleared(self, *, blank_clears: bool) -> dict[str, np.ndarray]:
        flags = dict(self._tokens)
        if blank_clears:
            flags.update({name: flags[name] | blanks for name, blanks in self._blanks.items()})
        return {name: mask for name, mask in flags.items() if mask.any()}


class _ShapeBatch:
    """Values of lines of one shape."""

    def __init__(
        self, block: _Block, shape: Shape, schema: SetSchema, options: ParseOptions
    ) -> None:
        self._block = block
        self._shape = shape
        self._schema = schema
        self._options = options

    def read(self, lines: np.ndarray) -> tuple[Batch, np.ndarray]:
        """The batch of the good lines, and the mask of them."""
        good = np.ones(len(lines), bool)
        if not self._is_readable():
            good &= ~self._block.is_foreign[lines]
        marks = self._block.marks(lines, self._shape.quotes)
        holes = self._shape.holes
        starts = np.stack([marks[hole.start.mark] + hole.start.shift for hole in holes], axis=1)
        ends = np.stack([marks[hole.end.mark] + hole.end.shift for hole in holes], axis=1)
        good &= ((ends - starts >= 0) & (ends - starts <= VALUE_LIMIT)).all(axis=1)
        good &= ~self._has_odd_key(starts, ends)
        good &= ~find_token(self._block.data, starts, ends - starts, DELETE_TOKEN).any(axis=1)
        places = np.flatnonzero(good)
        batch, is_sure = self._make_batch(lines[good], starts[good], ends[good])
        good[places[~is_sure]] = False
        return batch, good

    def _is_readable(self) -> bool:
        """Whether the block's bytes are the UTF-8 that the lines mean (J8)."""
        if self._shape.encoding is None:
            return self._block.is_transcoded or self._options.encoding is Encoding.UTF8
        return self._shape.encoding is Encoding.UTF8 and not self._block.is_transcoded

    def _has_odd_key(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        number = self._key_number()
        lengths = ends[:, number] - starts[:, number]
        return find_odd_keys(self._block.data, starts[:, number], lengths)

    def _make_batch(
        self, lines: np.ndarray, starts: np.ndarray, ends: np.ndarray
    ) -> tuple[Batch, np.ndarray]:
        """The batch of the sure lines, and the mask of them."""
        is_sure = np.ones(len(lines), bool)
        texts = take_texts(self._block.data, starts, ends)
        texts = [self._unescaped(text, is_sure) for text in texts]
        lengths = ends - starts
        is_empty = find_token(self._block.data, starts, lengths, EMPTY_TOKEN)
        columns = _Columns(len(lines))
        for name, numbers in self._numbers_by_column().items():
            if self._shape.holes[numbers[0]].is_element:
                self._add_list(columns, name, [texts[n] for n in numbers], is_sure)
                is_sure &= ~is_empty[:, numbers].any(axis=1)
                is_sure &= lengths[:, numbers].sum(axis=1) + len(numbers) - 1 <= VALUE_LIMIT
            else:
                (number,) = numbers
                is_valued = (lengths[:, number] > 0) & ~is_empty[:, number]
                text = with_nulls(texts[number], is_valued)
                value, is_rewritten = self._convert(self._shape.holes[number], text, is_sure)
                columns.add(name, value, is_valued, is_empty[:, number])
                if is_rewritten is not None:
                    found = Rewritten(name, lines.astype(np.int32), text)
                    columns.rewritten.append(found.filtered(is_rewritten))
        self._add_constants(columns)
        batch = Batch(
            rows=lines.astype(np.int32),
            kinds=np.full(columns.count, self._shape.kind, np.uint8),
            keys=texts[self._key_number()],
            values=columns.values,
            cleared=columns.cleared(blank_clears=self._options.blank_clears),
            rewritten=tuple(columns.rewritten),
        )
        return (batch if is_sure.all() else batch.filtered(is_sure)), is_sure

    def _key_number(self) -> int:
        return next(n for n, hole in enumerate(self._shape.holes) if hole.column is None)

    def _numbers_by_column(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, hole in enumerate(self._shape.holes):
            if hole.column is not None:
                numbers.setdefault(hole.column, []).append(number)
        return numbers

    @staticmethod
    def _add_list(
        columns: _Columns, name: str, elements: list[pa.Array], is_sure: np.ndarray
    ) -> None:
        """Arrays of the same number of elements; what has to be left out or trimmed is no longer sure."""
        count, width = columns.count, len(elements)
        by_row = np.arange(count)[:, None] + count * np.arange(width)
        flat = pa.concat_arrays(elements).take(to_arrow(by_row.reshape(-1)))
        offsets = to_arrow(np.arange(count + 1, dtype=np.int32) * np.int32(width))
        odd = to_mask(pc.match_substring_regex(flat, _ODD_ELEMENT))
        is_sure &= ~odd.reshape(count, width).any(axis=1)
        lists = pa.ListArray.from_arrays(offsets, flat)
        columns.add(name, lists, np.ones(count, bool), np.zeros(count, bool))

    def _add_constants(self, columns: _Columns) -> None:
        nothing = np.zeros(columns.count, bool)
        for name, text in self._shape.constants.items():
            column_type = self._schema.by_name[name].arrow_type
            if text is None:
                columns.add(name, pa.nulls(columns.count, column_type), nothing, nothing)
            else:
                columns.add(name, pa.array([text] * columns.count, column_type), ~nothing, nothing)
        for name in self._shape.named:
            columns.clear(name)

    def _convert(
        self, hole: Hole, texts: pa.Array, is_sure: np.ndarray
    ) -> tuple[pa.Array, np.ndarray | None]:
        """The typed column, and which values are written otherwise; lines that may be wrong are no longer sure."""
        column = self._schema.by_name[hole.column or ""]
        if hole.is_number and column.type in (ColumnType.TEXT, ColumnType.LIST):
            is_sure &= to_mask(pc.match_substring_regex(texts, _NUMBER))
        if hole.is_number:
            is_sure &= valid_mask(texts)  # nothing at all is no number
        found = convert_column(column, texts, self._options.list_delimiter)
        if found.doubtful is not None:
            is_sure &= ~found.doubtful
        return found.values, found.rewritten

    def _unescaped(self, texts: pa.Array, is_sure: np.ndarray) -> pa.Array:
        """Texts with their escapes resolved; what they hide from the checks of bytes is no longer sure."""
        if not self._block.has_escapes:
            return texts
        mask = pc.match_substring(texts, "\\")
        places = np.flatnonzero(to_mask(mask))
        if not len(places):
            return texts
        resolved = _resolve_escapes(texts.take(to_arrow(places)).to_pylist())
        odd = [number for number, text in enumerate(resolved) if not _is_plain(text)]
        is_sure[places[odd]] = False
        for number in odd:
            resolved[number] = ""
        return pc.replace_with_mask(texts, mask, pa.array(resolved, pa.string()))


def _resolve_escapes(raw: list[str]) -> list[str]:
    """Contents of JSON strings as texts; empty where one is not JSON."""
    try:
        resolved: list[str] = json.loads('["' + '","'.join(raw) + '"]')
    except ValueError:
        return [_resolve_escape(text) for text in raw]
    return resolved


def _resolve_escape(raw: str) -> str:
    try:
        return str(json.loads(f'"{raw}"'))
    except ValueError:
        return ""


def _is_plain(text: str) -> bool:
    """Surely a good key or value: nothing that only the exact way may judge."""
    is_short = bool(text) and len(text) <= VALUE_LIMIT
    if not is_short or text[0] == "~" or text[0].isspace() or "\0" in text:
        return False
    try:
        return len(text.encode()) <= VALUE_LIMIT
    except UnicodeEncodeError:
        return False
