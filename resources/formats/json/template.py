"""The fast way from a chunk to columns of literals, for records that a program wrote one like the other.

What stands between the values of the first record is taken as a template. Anything but that (another order of
members, a missing one, nesting, more than 200 members) is left to `general`.

**What holds.** Either the result is what `general` would give, or there is none (None).

**Why.** The whole chunk is cut with the template, and every piece that is left has to be one JSON value: then the chunk
was exactly template and values, and nothing can have been overlooked. Cutting is by the colons behind names; a colon
inside a text that looks like one moves the cut, so that a piece of the template is not where it should be. Control
characters mark the cuts, since JSON has none inside strings; a chunk that has some is refused.

**When it is lost.** Nothing is lost but time: a chunk that is refused is read again by `general`. That a literal is one whole
value is found out only when it is converted (`convert`), which then goes the other way as well.

**What it costs.** Some copies of the chunk, and a pass over it for each 8 bytes of the template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from resources.formats.json.shapes import SCALARS, find_shapes
from resources.formats.text_types.numbers import Bytes, Positions

_FIELD = b"\x1f"  # a control character: JSON has none inside strings
_STRING = rb'"(?:[^"\\\x00-\x1f]|\\.)*"'
_OPENING = re.compile(rb"\{\s*(" + _STRING + rb")\s*:\s*")
_NEXT = re.compile(rb"\s*,\s*(" + _STRING + rb")\s*:\s*")
_SCALAR = re.compile(_STRING + rb"|[-+.0-9A-Za-z]+")
_CLOSING = re.compile(rb"\s*\}")
_COMMA = re.compile(rb"\s*,\s*")
_LINE_END = re.compile(rb"[ \t\r]*\n")
_BLANK = b" \t\r\n"
_MOST_COLUMNS = 200
_NEWLINE = ord("\n")

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Template:
    """What stands around the values of a record."""

    names: tuple[str, ...]
    pieces: tuple[bytes, ...]
    """Before each value."""
    closing: bytes
    between: bytes
    """From the end of a record to the first value of the next."""


def learn_template(data: bytes, *, array: bool) -> Template | None:
    """The template of the first record, or None if it is nested or has no member."""
    names, pieces = [], []
    found = _OPENING.match(data)
    end = 0
    while found:
        names.append(found[1])
        pieces.append(found[0])
        value = _SCALAR.match(data, found.end())
        if value is None or len(names) > _MOST_COLUMNS:
            return None
        end = value.end()
        found = _NEXT.match(data, end)
    closing = _CLOSING.match(data, end) if names else None
    if closing is None:
        return None
    between = (_COMMA if array else _LINE_END).match(data, closing.end())
    decoded = _decode_names(names)
    if decoded is None or (between is None and closing.end() < len(data)):
        return None
    gap = between[0] if between else b""
    return Template(decoded, tuple(pieces), closing[0], closing[0] + gap + pieces[0])


def _decode_names(names: list[bytes]) -> tuple[str, ...] | None:
    try:
        decoded = tuple(msgspec.json.decode(b"[" + b",".join(names) + b"]", type=list[str]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return decoded if len(set(decoded)) == len(decoded) else None


def cut_by_template(data: bytes, *, array: bool) -> dict[str, pa.Array] | None:
    """The literals of all records by column, null where `null` stands; None if the records are not alike.

    Each column holds literals that begin as texts, as numbers, or as booleans do. The chunk is cut rightly only if
    each of them is one whole JSON value, which their conversion shows.
    """
    data = data.strip(_BLANK)
    template = learn_template(data, array=array)
    if template is None or _FIELD in data:
        return None
    text = _keep_values(data, template)
    literals = None if text is None else _parse(text, len(template.names))
    if literals is None or any(find_shapes(column) not in SCALARS for column in literals):
        return None
    return dict(zip(template.names, literals, strict=True))


def _keep_values(data: bytes, template: Template) -> bytes | None:
    """The values alone, parted by marks and newlines; None if something else stands between them than should."""
    content = np.frombuffer(data, np.uint8)
    grid = _find_colons(content, len(template.names))
    if grid is None or not (
        data.startswith(template.pieces[0]) and data.endswith(template.closing)
    ):
        return None
    keep = np.ones(len(data), np.bool_)
    keep[: len(template.pieces[0])] = False
    keep[len(data) - len(template.closing) :] = False
    marked = content.copy()
    for number, piece in enumerate((template.between, *template.pieces[1:])):
        colons = grid[
            number == 0 :, number
        ]  # what stands before the first record is looked at above
        ends = colons + len(piece) - piece.rindex(b":")
        if not _is_everywhere(content, piece, ends, keep):
            return None
        keep[ends - 1] = True
        marked[ends - 1] = _NEWLINE if number == 0 else _FIELD[0]
    text = marked[keep]
    if np.count_nonzero(text < ord(" ")) != grid.size - 1:  # raw control characters are no JSON
        return None
    return text.tobytes() + b"\n"


def _find_colons(content: Bytes, columns: int) -> Positions | None:
    """Where the colons behind names stand, a row for each record; None if the records have different numbers."""
    places = np.flatnonzero((content[1:] == ord(":")) & (content[:-1] == ord('"'))) + 1
    places = places[content[places - 2] != ord("\\")]  # an escaped quote: inside a string
    return None if not len(places) or len(places) % columns else places.reshape(-1, columns)


def _is_everywhere(content: Bytes, piece: bytes, ends: Positions, keep: Flags) -> bool:
    """Whether `piece` stands before each of the `ends`; if so it is marked as not to be kept."""
    starts = ends - len(piece)
    if len(ends) and (starts[0] < 0 or ends[-1] > len(content)):
        return False
    width = next(w for w in (8, 4, 2, 1) if w <= len(piece))
    there, kept = _windows(content, width), _windows(keep, width)
    for place in dict.fromkeys((*range(0, len(piece) - width, width), len(piece) - width)):
        wanted = int.from_bytes(piece[place : place + width], "little")
        if (there[starts + place] != wanted).any():
            return False
        kept[starts + place] = 0
    return True


def _windows(content: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """All stretches of `width` bytes as numbers, so that many bytes are compared or written at once."""
    count = max(len(content) - width + 1, 0)
    return np.ndarray((count,), f"<u{width}", content.data, strides=(1,))


def _parse(text: bytes, columns: int) -> list[pa.Array] | None:
    names = [str(number) for number in range(columns)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=len(text) + 1, column_names=names
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=_FIELD.decode(),
                quote_char=False,
                double_quote=False,
                escape_char=False,
                newlines_in_values=False,
                ignore_empty_lines=False,
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=not text.isascii(),
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=["null"],
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != text.count(b"\n"):
        return None
    return [column.combine_chunks() for column in table.columns]
