"""The vectors among custom metadata: of images, groups and sequences, and of single frames of videos.

Pure: rows of a collection's table in, rows of an embedding out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from resources.collections.declared_values import vector_of
from resources.collections.metadata_frames import frames_of

COLUMNS = ("id", "type", "metadata")
"""What is read of a collection's table."""

_WHOLE: Mapping[str, None] = {"frame": None, "second": None}


def vector_schema(size: int) -> pa.Schema:
    """Columns of the vectors of a key: which item, which frame of it or which second, and the vector."""
    return pa.schema(
        [
            pa.field("row_number", pa.int64()),
            pa.field("item", pa.int64()),
            pa.field("frame", pa.int64()),
            pa.field("second", pa.float64()),
            pa.field("vector", pa.list_(pa.float32(), size)),
        ]
    )


class VectorReader:
    """Reads the vectors under one key, batch after batch, and counts what it finds.

    Args:
        key: name of the metadata key.
        size: numbers in each vector.
    """

    def __init__(self, key: str, size: int) -> None:
        self._key = key
        self._size = size
        self.schema = vector_schema(size)
        self.rows = 0
        """Vectors so far."""
        self.of_frames = 0
        """Those of single frames."""
        self.misfits = 0
        """Values under the key that are no vector of this size: they were kept before it was declared so."""
        self._digests = [hashlib.sha256() for _ in self.schema]

    @property
    def digest(self) -> str:
        """Differs with every value read so far, and not with the batches in which they came."""
        parts = b"".join(digest.digest() for digest in self._digests)
        return hashlib.sha256(parts).hexdigest()

    def read(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The vectors of some items; `batch` has `COLUMNS`."""
        items: list[int] = []
        places: list[Mapping[str, float | None]] = []
        vectors: list[list[float]] = []
        for number, kind, text in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            for place, values in _places(text, kind):
                found = values.get(self._key)
                if found is None:
                    continue
                vector = vector_of(found, self._size)
                if vector is None:
                    self.misfits += 1
                    continue
                items.append(number)
                places.append(place)
                vectors.append(vector)
        return self._batch(items, places, vectors)

    def _batch(
        self,
        items: list[int],
        places: list[Mapping[str, float | None]],
        vectors: list[list[float]],
    ) -> pa.RecordBatch:
        numbers = range(self.rows, self.rows + len(items))
        frames = [place["frame"] for place in places]
        seconds = [place["second"] for place in places]
        columns = [numbers, items, frames, seconds, vectors]
        arrays = [
            pa.array(values, field.type) for values, field in zip(columns, self.schema, strict=True)
        ]
        self.rows += len(items)
        self.of_frames += sum(place is not _WHOLE for place in places)
        for digest, array in zip(self._digests, arrays, strict=True):
            digest.update(_bytes_of(array))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _bytes_of(array: pa.Array) -> bytes:
    if pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    return bytes(pc.fill_null(array, -1).to_numpy(zero_copy_only=False).tobytes())


def _places(
    text: str | None, kind: str
) -> Iterator[tuple[Mapping[str, float | None], Mapping[str, Any]]]:
    """What may have a vector: the item; of a video its frames, by number, or by second in `keyframe_mode: seconds`."""
    metadata: Mapping[str, Any] = {} if text is None else msgspec.json.decode(text)
    if kind != "video":
        yield _WHOLE, metadata
        return
    found = frames_of(metadata)
    by_second = found.keyframe_mode == "seconds"
    for place, values in found.frames.items():
        if by_second:
            yield {"frame": None, "second": float(place)}, values
        else:
            yield {"frame": int(place), "second": None}, values
