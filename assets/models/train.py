"""Training: a stored table in, a fitted estimator with its card out. Deterministic for a seed.

Reads only the columns it needs, and holds at most `max_rows` of them.
"""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets.features.matrix import Matrix, MatrixBuilder, fit_text_encoders
from assets.features.plan import FeaturePlan, choose_columns, plan_features
from assets.features.source import TableSource, keep_rows, sample_rows
from assets.features.threads import limited_threads
from assets.models import metrics as judging
from assets.models.card import ModelCard
from assets.models.estimators import Algorithm, Task, build_estimator, check_parameters
from assets.models.importance import Importance, compute_importance
from assets.models.split import Split, split_ordered, split_random, split_stratified
from assets.models.target import PredictedColumn, inspect_target
from resources.kernel.errors import ConfigError, InputError, UnknownNameError

DEFAULT_MAX_ROWS = 500_000


@dataclass(frozen=True)
class TrainingSpec:
    """What to train, as the user asked for it."""

    name: str
    target: str
    features: tuple[str, ...] | None = None
    """Columns to learn from; all but the target when None."""
    exclude: tuple[str, ...] = ()
    task: Task | None = None
    algorithm: Algorithm = "gradient_boosting"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    test_share: float = 0.2
    split: str | None = None
    seed: int = 0
    max_rows: int = DEFAULT_MAX_ROWS

    @property
    def where(self) -> str:
        """The model, for error texts."""
        return f"model {self.name!r}"


@dataclass(frozen=True)
class TrainedModel:
    """A fitted estimator, what it needs to read a table, and how it did on the held-out rows."""

    estimator: Any
    encoders: dict[str, Any]
    """Column -> fitted text encoder."""
    card: ModelCard
    actual: npt.NDArray[Any]
    """Held-out values: numbers, or positions in `card.classes`."""
    predicted: npt.NDArray[np.float64]
    """(n,) numbers, or (n, classes) probabilities."""


def train_model(
    source: TableSource, spec: TrainingSpec, *, dataset: tuple[str, ...], dataset_version: int
) -> TrainedModel:
    """Trains, judges on held-out rows, and describes the result.

    Raises:
        ConfigError: a setting that does not exist, or that scikit-learn refuses.
        InputError: the table does not allow a model, with the reason.
    """
    check_spec(spec, where=spec.where)
    columns = _feature_columns(source.schema, spec)
    target = inspect_target(source, spec.target, spec.task, where=spec.where)
    check_parameters(spec.algorithm, target.task, spec.parameters, where=spec.where)
    rows = _read_rows(source, spec, columns, target)
    values = target.encode(rows.column(spec.target))
    split = _split_rows(rows, values, spec, target)
    training = rows.take(pa.array(split.train))
    plan = plan_features(training, columns, where=spec.where)
    encoders = fit_text_encoders(training, plan, seed=spec.seed)
    builder = MatrixBuilder(plan, encoders)
    fitted = _Fitted(spec, target, plan, values[split.train])
    notes = fitted.fit(builder.build_table(training))
    held = builder.build_table(rows.take(pa.array(split.test)))
    verdict = _judge(fitted, held, values[split.test])
    card = ModelCard(
        name=spec.name,
        task=target.task,
        algorithm=spec.algorithm,
        parameters=dict(spec.parameters),
        target=target.name,
        target_type=target.type,
        classes=target.classes,
        plan=plan,
        seed=spec.seed,
        test_share=spec.test_share,
        split=spec.split,
        dataset=dataset,
        dataset_version=dataset_version,
        rows=_row_counts(source, target, split),
        metrics=verdict.metrics,
        baseline=verdict.baseline,
        importance=tuple(asdict(entry) for entry in verdict.importance),
        libraries=library_versions(),
        guesses=tuple(asdict(guess) for guess in target.guesses),
        warnings=(*target.warnings, *plan.warnings, *split.warnings, *builder.warnings(), *notes),
    )
    return TrainedModel(fitted.estimator, encoders, card, values[split.test], verdict.predicted)


def check_spec(spec: TrainingSpec, *, where: str) -> None:
    """Refuses settings that no table could satisfy; `where` is the place to name.

    Raises:
        ConfigError: naming the attribute.
    """
    if not 0 < spec.test_share < 1:
        raise ConfigError(
            f"{where}: test_share is {spec.test_share}, but must lie between 0 and 1",
            hint="0.2 holds out a fifth of the rows",
        )
    if spec.max_rows < 10:
        raise ConfigError(
            f"{where}: max_rows is {spec.max_rows}, but a model needs at least 10 rows",
            hint=f"Leave it out for {DEFAULT_MAX_ROWS:,}",
        )
    if not 0 <= spec.seed < 2**32:
        raise ConfigError(
            f"{where}: seed is {spec.seed}, but must lie between 0 and {2**32 - 1}",
            hint="Any small number will do",
        )
    if spec.target in (spec.features or ()):
        raise ConfigError(
            f"{where}: the target {spec.target!r} is among the features",
            hint="Remove it from `features:`; the target cannot be one of the features",
        )


def library_versions() -> dict[str, str]:
    """Versions of what a kept model depends on."""
    packages = ("scikit-learn", "skops", "numpy")
    return {**{name: version(name) for name in packages}, "python": platform.python_version()}


def _feature_columns(schema: pa.Schema, spec: TrainingSpec) -> list[str]:
    for name in (spec.target, spec.split):
        if name is not None and name not in schema.names:
            raise UnknownNameError("column", name, schema.names, where=spec.where)
    columns = choose_columns(schema, wanted=spec.features, exclude=spec.exclude, where=spec.where)
    return [column for column in columns if column != spec.target]


def _read_rows(
    source: TableSource, spec: TrainingSpec, columns: list[str], target: PredictedColumn
) -> pa.Table:
    """At most `max_rows` of the rows that have a target."""
    extra = [spec.split] if spec.split and spec.split not in columns else []
    stream = source.batches(
        columns=[*columns, *extra, *([spec.target] if spec.target not in extra else [])]
    )
    usable = keep_rows(stream, spec.target)
    return sample_rows(
        usable, stream.schema, total=target.usable_rows, size=spec.max_rows, seed=spec.seed
    )


def _split_rows(
    rows: pa.Table, values: npt.NDArray[Any], spec: TrainingSpec, target: PredictedColumn
) -> Split:
    if spec.split is not None:
        times = rows.column(spec.split)
        return split_ordered(times, spec.test_share, column=spec.split, where=spec.where)
    if target.task == "classification":
        return split_stratified(values, spec.test_share, seed=spec.seed)
    return split_random(len(values), spec.test_share, seed=spec.seed)


class _Fitted:
    """An estimator and the training values it was fitted on."""

    def __init__(
        self,
        spec: TrainingSpec,
        target: PredictedColumn,
        plan: FeaturePlan,
        values: npt.NDArray[Any],
    ) -> None:
        self._spec = spec
        self._target = target
        self._plan = plan
        self._values = values
        present = len(np.unique(values))
        if target.task == "classification" and present < len(target.classes):
            raise InputError(
                f"{spec.where}: the {len(values):,} training rows hold only {present}"
                f" of the {len(target.classes)} classes of {target.name!r}",
                hint="Raise `max_rows:`, group rare classes in a transform, or leave out `split:`",
            )
        try:
            self.estimator = build_estimator(
                spec.algorithm,
                target.task,
                plan,
                parameters=spec.parameters,
                classes=target.classes,
                seed=spec.seed,
            )
        except TypeError as error:
            raise _refused(spec, error) from error

    def fit(self, matrix: Matrix) -> list[str]:
        """Fits, and returns what scikit-learn warned about."""
        with warnings.catch_warnings(record=True) as caught, limited_threads():
            warnings.simplefilter("always")
            try:
                self.estimator.fit(matrix, self._values)
            except (ValueError, TypeError) as error:
                raise _refused(self._spec, error) from error
        texts = dict.fromkeys(" ".join(str(w.message).split())[:300] for w in caught)
        return [f"scikit-learn: {text}" for text in texts]

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Numbers, or probabilities of the classes."""
        return predict_matrix(self.estimator, self._target.task, matrix)

    def baseline(self, actual: npt.NDArray[Any]) -> judging.Metrics:
        """What the simplest answer reaches: the mean, or the shares of the classes."""
        if self._target.task == "regression":
            return judging.mean_baseline(self._values, actual)
        return judging.majority_baseline(self._values, actual, len(self._target.classes))

    def metrics(
        self, actual: npt.NDArray[Any], predicted: npt.NDArray[np.float64]
    ) -> judging.Metrics:
        """What the model reaches."""
        if self._target.task == "regression":
            return judging.judge_regression(actual, predicted)
        return judging.judge_classification(actual, predicted)

    def loss(self, matrix: Matrix, actual: npt.NDArray[Any]) -> float:
        """Log loss, or the share of the target's variance that is not explained (1 - r2)."""
        predicted = self.predict(matrix)
        if self._target.task == "classification":
            return judging.log_loss(actual, predicted)
        spread = float(np.var(actual)) or 1.0
        return float(np.mean((actual - predicted) ** 2)) / spread

    def importance(self, matrix: Matrix, actual: npt.NDArray[Any]) -> list[Importance]:
        """How much each column matters."""
        positions = self._plan.positions()
        return compute_importance(matrix, actual, positions, self.loss, seed=self._spec.seed)


@dataclass(frozen=True)
class _Verdict:
    predicted: npt.NDArray[np.float64]
    metrics: judging.Metrics
    baseline: judging.Metrics
    importance: list[Importance]


def _judge(fitted: _Fitted, held: Matrix, actual: npt.NDArray[Any]) -> _Verdict:
    predicted = fitted.predict(held)
    return _Verdict(
        predicted=predicted,
        metrics=fitted.metrics(actual, predicted),
        baseline=fitted.baseline(actual),
        importance=fitted.importance(held, actual),
    )


def _row_counts(source: TableSource, target: PredictedColumn, split: Split) -> dict[str, int]:
    return {
        "table": source.rows,
        "without_target": target.missing_rows,
        "used": len(split.train) + len(split.test),
        "train": len(split.train),
        "test": len(split.test),
    }


def predict_matrix(estimator: Any, task: Task, matrix: Matrix) -> npt.NDArray[np.float64]:
    """(n, slots) -> (n,) numbers, or (n, classes) probabilities."""
    ask = estimator.predict if task == "regression" else estimator.predict_proba
    with limited_threads():
        answer = ask(matrix)
    return np.asarray(answer, dtype=np.float64)


def _refused(spec: TrainingSpec, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())[:250].rstrip(".")
    return ConfigError(
        f"{spec.where}: scikit-learn refused to train {spec.algorithm!r}: {reason}",
        hint="Check `parameters:` and the columns used",
    )
