"""One float32 vector for every row of a table. Pure; deterministic for a seed.

Numbers are scaled and imputed (with an indicator where some are missing), categories become one column a value,
text becomes hashed character n-grams, dates their parts. Every column of the table then gets the same weight,
and a principal component analysis reduces all of it to the dimension asked for. Fitted on a bounded sample,
applied in batches.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets.embeddings.encoders.encoder import EmbeddingSpec, check_settings, embedding_schema
from assets.features.matrix import Matrix, MatrixBuilder, fit_text_encoders
from assets.features.plan import (
    FeaturePlan,
    PlanLimits,
    choose_columns,
    plan_features,
)
from assets.features.source import TableSource, sample_rows
from assets.features.threads import limited_threads
from resources.kernel.errors import EmptySourceError, InputError, UnknownNameError
from resources.kernel.records import BatchStream

FIT_ROWS = 50_000
DENSE_WIDTH = 2_000  # up to here the covariance matrix is small enough for an exact solution
BATCH_ROWS = 16_384
LIMITS = PlanLimits(max_categories=50)
SMALLEST_SHARE = 1e-8  # of the variance: components below it are rounding errors
_STEPS = ("code", "value", "missing")  # what is made of one number of the matrix

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Embedder:
    """A fitted embedding."""

    spec: EmbeddingSpec
    plan: FeaturePlan
    encoders: dict[str, Any]
    preparation: Any
    weights: npt.NDArray[np.float64]
    """One factor for each prepared column."""
    reduction: Any
    plane: Any
    """PCA of vectors to two dimensions; None when there is one dimension only."""
    method: str
    dimension: int
    explained_variance: float
    """Share of the prepared columns' variance that the vectors keep, 0 to 1."""
    fitted_rows: int
    warnings: tuple[str, ...]

    def properties(self) -> dict[str, Any]:
        """How the vectors were made, in JSON types."""
        from importlib.metadata import version

        return {
            "method": self.method,
            "dimension": self.dimension,
            "seed": self.spec.seed,
            "normalized": self.spec.normalize,
            "explained_variance": self.explained_variance,
            "fitted_rows": self.fitted_rows,
            "scikit-learn": version("scikit-learn"),
            "columns": [{"column": f.column, "kind": f.kind} for f in self.plan.features],
            "left_out": [{"column": c, "reason": reason} for c, reason in self.plan.left_out],
        }

    def embed(self, source: TableSource) -> BatchStream:
        """Every row of the table: `row_number`, keys and labels, `vector`, and its place `x`, `y` in a picture."""
        schema = embedding_schema(source.schema, self.spec, self.dimension)
        needed = list(dict.fromkeys([*self.spec.passed_on, *self.plan.columns]))
        stream = source.batches(columns=needed)
        noted = [*stream.warnings, *self.warnings]
        result = BatchStream(schema, iter(()), guesses=stream.guesses, warnings=noted)
        result.batches = _embed_batches(self, stream, schema, noted)
        return result

    def vectors(self, matrix: Matrix) -> Vectors:
        """(n, slots) -> (n, dimension) float32."""
        prepared = _prepared(self.preparation, self.weights, matrix)
        with limited_threads():
            vectors = np.asarray(self.reduction.transform(prepared))[:, : self.dimension]
        return (_normalized(vectors) if self.spec.normalize else vectors).astype(np.float32)

    def places(self, vectors: Vectors) -> Vectors:
        """(n, dimension) vectors -> (n, 2) float32 coordinates of a picture."""
        if self.plane is None:
            return np.pad(vectors, ((0, 0), (0, 1)))
        return np.asarray(self.plane.transform(vectors.astype(np.float64)), dtype=np.float32)


def fit_embedder(source: TableSource, spec: EmbeddingSpec) -> Embedder:
    """Learns the embedding of a table from a sample of its rows.

    Raises:
        ConfigError: a dimension out of range, or a column passed on that has a reserved name.
        UnknownNameError: a column that the table does not have.
        EmptySourceError: the table has no rows.
        InputError: no two rows differ in a column that can be used.
    """
    check_settings(spec, where=spec.where)
    columns = _columns_used(source.schema, spec)
    if source.rows == 0:
        raise EmptySourceError(
            f"{spec.where}: the dataset has no rows", hint="Fill the dataset first"
        )
    stream = source.batches(columns=columns)
    sample = sample_rows(stream, stream.schema, total=source.rows, size=FIT_ROWS, seed=spec.seed)
    plan = plan_features(sample, columns, limits=LIMITS, where=spec.where)
    encoders = fit_text_encoders(sample, plan, seed=spec.seed)
    matrix = MatrixBuilder(plan, encoders).build_table(sample)
    if np.isnan(matrix).all():  # nothing but infinite values
        raise _no_difference(spec)
    preparation = _preparation(plan, matrix)
    prepared = preparation.fit_transform(matrix)
    weights = _weights(preparation, plan, prepared)
    reduction, method, shares = _reduce(_scaled(prepared, weights), spec)
    dimension = int((shares > SMALLEST_SHARE).sum())
    fitted = Embedder(
        spec=spec,
        plan=plan,
        encoders=encoders,
        preparation=preparation,
        weights=weights,
        reduction=reduction,
        plane=None,
        method=method,
        dimension=dimension,
        explained_variance=float(shares[:dimension].sum()),
        fitted_rows=sample.num_rows,
        warnings=(*plan.warnings, *_dimension_notes(spec, dimension)),
    )
    return _with_plane(fitted, matrix)


def _no_difference(spec: EmbeddingSpec) -> InputError:
    return InputError(
        f"{spec.where}: the rows do not differ in any column used",
        hint="Name other columns under `columns:`",
    )


def _dimension_notes(spec: EmbeddingSpec, dimension: int) -> list[str]:
    if dimension == 0:
        raise _no_difference(spec)
    if dimension == spec.dimension:
        return []
    return [f"dimension {dimension} instead of {spec.dimension}: the columns used give no more"]


def _columns_used(schema: pa.Schema, spec: EmbeddingSpec) -> list[str]:
    for name in spec.passed_on:
        if name not in schema.names:
            raise UnknownNameError("column", name, schema.names, where=spec.where)
    exclude = spec.passed_on if spec.columns is None else []
    return choose_columns(schema, wanted=spec.columns, exclude=exclude, where=spec.where)


def _preparation(plan: FeaturePlan, matrix: Matrix) -> Any:
    """Scaling, imputation and one column a category, as one scikit-learn transformer."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps: list[tuple[str, Any, list[int]]] = []
    for place, slot in enumerate(plan.slots):
        missing = np.isnan(matrix[:, place])
        if slot.codes:
            steps.append((f"{place} code", OneHotEncoder(handle_unknown="ignore"), [place]))
        elif not missing.all():
            scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
            steps.append((f"{place} value", scaled, [place]))
            if missing.any():  # 0 or 1, not scaled: a rare gap must not outweigh everything else
                steps.append((f"{place} missing", MissingIndicator(features="all"), [place]))
    return ColumnTransformer(steps, sparse_threshold=1.0)


def _weights(preparation: Any, plan: FeaturePlan, prepared: Any) -> npt.NDArray[np.float64]:
    """Factors that give every column of the table the same variance in all, however many numbers it became."""
    from sklearn.preprocessing import StandardScaler

    variances = StandardScaler(with_mean=False).fit(prepared).var_
    weights = np.zeros(prepared.shape[1])
    indices = preparation.output_indices_
    for places in plan.positions().values():
        names = [f"{place} {part}" for place in places for part in _STEPS]
        slices = [indices[name] for name in names if name in indices]
        members = [i for found in slices for i in range(found.start, found.stop)]
        total = variances[members].sum()
        if total > 0:
            weights[members] = 1.0 / np.sqrt(total)
    return weights


def _prepared(preparation: Any, weights: npt.NDArray[np.float64], matrix: Matrix) -> Any:
    with warnings.catch_warnings():
        # a category or a missing value that the sample did not show: zeros
        warnings.simplefilter("ignore")
        return _scaled(preparation.transform(matrix), weights)


def _scaled(prepared: Any, weights: npt.NDArray[np.float64]) -> Any:
    """Sparse when a table has categories, dense otherwise."""
    sparse = hasattr(prepared, "multiply")
    return prepared.multiply(weights).tocsr() if sparse else prepared * weights


def _reduce(prepared: Any, spec: EmbeddingSpec) -> tuple[Any, str, npt.NDArray[np.float64]]:
    """The fitted reduction, its name, and each component's share of the variance."""
    from sklearn.decomposition import PCA, TruncatedSVD

    rows, width = prepared.shape
    if width <= DENSE_WIDTH:
        components = min(spec.dimension, width, rows)
        reduction = PCA(components, svd_solver="covariance_eigh")
    else:
        components = min(spec.dimension, rows)
        reduction = TruncatedSVD(components, random_state=spec.seed)
    with np.errstate(all="ignore"), warnings.catch_warnings(), limited_threads():
        warnings.simplefilter("ignore")  # no variance at all: the caller says so
        reduction.fit(prepared)
    shares = np.nan_to_num(reduction.explained_variance_ratio_)
    return reduction, "pca" if width <= DENSE_WIDTH else "truncated_svd", shares


def _with_plane(embedder: Embedder, matrix: Matrix) -> Embedder:
    from sklearn.decomposition import PCA

    if embedder.dimension == 1:
        return embedder
    vectors = embedder.vectors(matrix).astype(np.float64)
    return replace(embedder, plane=PCA(2, svd_solver="full").fit(vectors))


def _normalized(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def _embed_batches(
    embedder: Embedder, stream: BatchStream, schema: pa.Schema, notes: list[str]
) -> Iterator[pa.RecordBatch]:
    builder = MatrixBuilder(embedder.plan, embedder.encoders)
    number = 0
    for batch in stream:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            vectors = embedder.vectors(builder.build(part))
            places = embedder.places(vectors)
            columns = [
                pa.array(np.arange(number, number + part.num_rows)),
                *(part.column(name) for name in embedder.spec.passed_on),
                pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), embedder.dimension),
                pa.array(np.ascontiguousarray(places[:, 0])),
                pa.array(np.ascontiguousarray(places[:, 1])),
            ]
            number += part.num_rows
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
    notes.extend(builder.warnings())
