"""Arrow batches as a matrix of numbers, the same way in training and in prediction.

Missing values are NaN; a category is its code. The text encoders are scikit-learn pipelines, fitted once and kept
with the model; a distinct text is encoded once a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.features.plan import Feature, FeaturePlan
from assets.features.source import LARGEST
from assets.features.threads import limited_threads

Matrix = npt.NDArray[np.float64]

TEXT_LIMIT = 256  # characters of a text that count; bounds the time of a hostile one
FIT_TEXTS = 50_000  # distinct texts an encoder is fitted on
HASH_WIDTH = 1024
_CALENDAR = {"weekday": "day_of_week"}  # the other parts are named as Arrow names its functions
_DURATION_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class MatrixBuilder:
    """Makes matrices by a plan.

    Args:
        plan: what becomes what.
        encoders: column -> fitted text encoder, for every `text` feature of the plan.
    """

    def __init__(self, plan: FeaturePlan, encoders: Mapping[str, Any]) -> None:
        self._plan = plan
        self._encoders = encoders
        self._width = len(plan.slots)
        self._known = {
            f.column: pa.array(f.categories, pa.large_string())
            for f in plan.features
            if f.kind == "category"
        }
        self.infinite: Counter[str] = Counter()
        """Column -> infinite and huge values that were treated as missing, over all batches so far."""

    def warnings(self) -> list[str]:
        """What was treated as missing, for people."""
        return [
            f"{count:,} values of {column!r} that are infinite or beyond {LARGEST:g} count as missing"
            for column, count in self.infinite.items()
        ]

    def build(self, batch: pa.RecordBatch) -> Matrix:
        """(n rows) -> (n, slots) float64."""
        matrix = np.empty((batch.num_rows, self._width), dtype=np.float64)
        self._fill(matrix, batch)
        return matrix

    def build_table(self, table: pa.Table) -> Matrix:
        """All rows of a table that is in memory anyway, as one matrix."""
        matrix = np.empty((table.num_rows, self._width), dtype=np.float64)
        row = 0
        for batch in table.select(self._plan.columns).to_batches(max_chunksize=65_536):
            self._fill(matrix[row : row + batch.num_rows], batch)
            row += batch.num_rows
        return matrix

    def _fill(self, matrix: Matrix, batch: pa.RecordBatch) -> None:
        position = 0
        for feature in self._plan.features:
            for numbers in self._block(feature, batch.column(feature.column)):
                matrix[:, position] = numbers
                position += 1

    def _block(self, feature: Feature, values: pa.Array) -> list[Matrix]:
        if pa.types.is_null(values.type):  # a column without any value has lost its type
            return [np.full(len(values), np.nan) for _ in feature.parts]
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if feature.kind == "number":
            return [self._finite(feature.column, _numbers(values))]
        if feature.kind == "boolean":
            return [_floats(values)]
        if feature.kind == "category":
            return [_codes(values, self._known[feature.column])]
        if feature.kind == "text":
            return _text_components(values, feature, self._encoders[feature.column])
        return _calendar(values, feature.parts)

    def _finite(self, column: str, numbers: Matrix) -> Matrix:
        infinite = np.abs(numbers) > LARGEST
        count = int(infinite.sum())
        if count:
            self.infinite[column] += count
            numbers = np.where(infinite, np.nan, numbers)
        return numbers


def fit_text_encoders(sample: pa.Table, plan: FeaturePlan, *, seed: int) -> dict[str, Any]:
    """Column -> encoder, for every `text` feature: hashed character n-grams, then truncated SVD."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import make_pipeline

    encoders: dict[str, Any] = {}
    for feature in plan.features:
        if feature.kind != "text":
            continue
        texts = _texts(sample.column(feature.column)).drop_null().unique()
        if len(texts) > FIT_TEXTS:
            rng = np.random.default_rng(seed)
            texts = texts.take(pa.array(np.sort(rng.choice(len(texts), FIT_TEXTS, replace=False))))
        encoder = make_pipeline(
            HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=HASH_WIDTH),
            TruncatedSVD(n_components=feature.components, random_state=seed),
        )
        # texts without variance: zeros
        with np.errstate(invalid="ignore", divide="ignore"), limited_threads():
            encoders[feature.column] = encoder.fit(texts.to_pylist())
    return encoders


def _text_components(values: pa.Array, feature: Feature, encoder: Any) -> list[Matrix]:
    encoded = _texts(values).dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    table = np.zeros((len(distinct) + 1, feature.components))
    table[-1] = np.nan  # the last row is for null
    if distinct:
        components = encoder.transform(distinct)  # fewer when fitted on fewer texts
        table[:-1, : components.shape[1]] = components
    places = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    return list(table[places].T)


def _texts(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts cut to the limit, as one array."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    cut = pc.utf8_slice_codeunits(values.cast(pa.large_string()), 0, TEXT_LIMIT)
    return cut.combine_chunks() if isinstance(cut, pa.ChunkedArray) else cut


def _codes(values: pa.Array, known: pa.Array) -> Matrix:
    """Position in `known`; one past it for any other value; NaN for null."""
    values = values.cast(pa.large_string())
    codes = pc.fill_null(pc.index_in(values, value_set=known), len(known)).cast(pa.float64())
    return _floats(pc.if_else(pc.is_valid(values), codes, None))


def _numbers(values: pa.Array) -> Matrix:
    if pa.types.is_duration(values.type):
        return _floats(values.cast(pa.int64())) * _DURATION_SECONDS[values.type.unit]
    return _floats(values)


def _calendar(values: pa.Array, parts: tuple[str, ...]) -> list[Matrix]:
    kind = values.type
    if pa.types.is_time(kind):
        unit = _DURATION_SECONDS[kind.unit]
        whole = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        return [_floats(whole) * unit]
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        values = values.cast(pa.timestamp(kind.unit))  # the same instant in UTC
    return [_floats(pc.call_function(_CALENDAR.get(part, part), [values])) for part in parts]


def _floats(values: pa.Array) -> Matrix:
    """As float64, null as NaN. Integers beyond 2^53 are rounded: features, not data to be kept."""
    numbers = values.cast(pa.float64(), safe=False)
    return np.asarray(numbers.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
