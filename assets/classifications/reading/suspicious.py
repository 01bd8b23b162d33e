"""Texts that follow the rules and are hardly meant: read in the wrong encoding, with invisible characters.

Looked at once, in what is left of a file when its records are resolved; most columns are passed over by one look at
their bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import to_arrow, to_mask
from assets.classifications.reading.batch import Findings
from assets.classifications.reading.values import excerpt

_C1_LEAD = 0xC2  # the first byte, in UTF-8, of U+0080 to U+00BF
_CONTROL = "[\u0080-\u009f]"
_MISREAD = "[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3}"
_BLANKS = "\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u200c\u200d"
_UNSEEN = "\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_INVISIBLE = f"^[{_BLANKS}]|[{_BLANKS}]$|[{_UNSEEN}]"
_COMMENT = "^#+ "


@dataclass(frozen=True)
class _Texts:
    """Texts of one column, and for each the row of the file that it is from."""

    column: str | None
    texts: pa.Array
    rows: np.ndarray

    def bytes(self) -> np.ndarray:
        """All of them, and perhaps some of their neighbours'."""
        data = self.texts.buffers()[2]
        return np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)

    def matching(self, pattern: str) -> _Texts:
        mask = pc.match_substring_regex(self.texts, pattern)
        return _Texts(self.column, self.texts.filter(mask), self.rows[to_mask(mask)])

    def without(self, pattern: str) -> _Texts:
        mask = pc.invert(pc.match_substring_regex(self.texts, pattern))
        return _Texts(self.column, self.texts.filter(mask), self.rows[to_mask(mask)])


def warn_suspicious(
    keys: pa.Array, values: Mapping[str, pa.Array], rows: np.ndarray, findings: Findings
) -> None:
    """Warns of keys and values that are hardly meant as they are.

    Args:
        keys: of the records that count.
        values: theirs, by column.
        rows: theirs.
        findings: takes the warnings.
    """
    own = _Texts(None, keys, rows)
    data = own.bytes()
    if (data >= 0x80).any() or (data <= 0x20).any():
        _warn(own.matching(_INVISIBLE), "invisible_in_key", findings)
    if (data == ord("#")).any():
        _warn(own.matching(_COMMENT), "comment_key", findings)
    for texts in [own, *_texts_of(values, rows)]:
        if (texts.bytes() == _C1_LEAD).any():
            _warn(texts.matching(_MISREAD), "misread_text", findings)
            _warn(texts.without(_MISREAD).matching(_CONTROL), "control_character", findings)


def _texts_of(values: Mapping[str, pa.Array], rows: np.ndarray) -> Iterator[_Texts]:
    for name, array in values.items():
        if pa.types.is_string(array.type):
            yield _Texts(name, array, rows)
        elif pa.types.is_list(array.type):
            parents = pc.list_parent_indices(array)
            places = np.frombuffer(parents.buffers()[1], np.int64, len(parents))
            yield _Texts(name, pc.list_flatten(array), rows[places])


def _warn(found: _Texts, rule: str, findings: Findings) -> None:
    """One warning a text, the first rows first."""
    first = np.argsort(found.rows, kind="stable")[: findings.max_warnings]
    texts = found.texts.take(to_arrow(first)).to_pylist()
    for place, text in zip(first.tolist(), texts, strict=True):
        findings.warn(int(found.rows[place]), rule, found.column, excerpt(text))
    findings.warning_counts[rule] += len(found.rows) - len(first)
