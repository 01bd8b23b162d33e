"""The algorithms on offer: which scikit-learn estimator, its defaults, and which of its parameters may be set.

No class of our own is part of a pipeline, so that a kept model holds scikit-learn's and NumPy's types only.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from assets.features.plan import FeaturePlan
from resources.kernel.errors import ConfigError, UnknownNameError

Task = Literal["regression", "classification"]
Algorithm = Literal["gradient_boosting", "linear", "forest"]
ALGORITHMS: tuple[Algorithm, ...] = ("gradient_boosting", "linear", "forest")

DEFAULTS: dict[Algorithm, dict[str, Any]] = {
    "gradient_boosting": {},
    "linear": {},
    # Unbounded trees on half a million rows would make a model of a gigabyte.
    "forest": {"n_estimators": 100, "max_depth": 12, "min_samples_leaf": 5},
}
CLASSIFIER_DEFAULTS: dict[Algorithm, dict[str, Any]] = {"linear": {"max_iter": 1000}}

# Settled elsewhere (`seed:`), or by position in a matrix that the user does not see, or without effect on the result;
# `n_jobs` because threads add a forest's votes in any order, and the last digits of a prediction would change.
RESERVED = frozenset(
    {
        "categorical_features", "copy_X", "interaction_cst", "monotonic_cst", "n_jobs", "random_state",
        "scoring", "verbose", "warm_start",
    }
)  # fmt: skip


def estimator_class(algorithm: Algorithm, task: Task) -> Any:
    """The scikit-learn class behind an algorithm."""
    from sklearn import ensemble, linear_model

    classes = {
        ("gradient_boosting", "regression"): ensemble.HistGradientBoostingRegressor,
        ("gradient_boosting", "classification"): ensemble.HistGradientBoostingClassifier,
        ("linear", "regression"): linear_model.Ridge,
        ("linear", "classification"): linear_model.LogisticRegression,
        ("forest", "regression"): ensemble.RandomForestRegressor,
        ("forest", "classification"): ensemble.RandomForestClassifier,
    }
    return classes[algorithm, task]


def known_parameters(algorithm: Algorithm, task: Task) -> list[str]:
    """Names that `parameters:` may hold."""
    names = inspect.signature(estimator_class(algorithm, task)).parameters
    return sorted(name for name in names if name not in RESERVED)


def check_parameters(
    algorithm: Algorithm, task: Task, parameters: Mapping[str, Any], *, where: str
) -> None:
    """Refuses names that the algorithm does not know.

    Raises:
        UnknownNameError: a name that is not the estimator's, with those that are.
        ConfigError: a parameter that Waybill sets itself.
    """
    known = known_parameters(algorithm, task)
    for name in parameters:
        if name in RESERVED:
            raise ConfigError(
                f"{where}: the parameter {name!r} cannot be set",
                hint="Randomness is settled by `seed:`; the other fixed parameters follow from the columns",
                parameter=name,
            )
        if name not in known:
            raise UnknownNameError(f"parameter of {algorithm} ({task})", name, known, where=where)


def build_estimator(
    algorithm: Algorithm,
    task: Task,
    plan: FeaturePlan,
    *,
    parameters: Mapping[str, Any],
    classes: Sequence[Any],
    seed: int,
) -> Any:
    """An unfitted estimator that takes matrices made by `plan`; class labels are positions in `classes`."""
    settings = {**DEFAULTS[algorithm], **parameters}
    if task == "classification":
        settings = {**CLASSIFIER_DEFAULTS.get(algorithm, {}), **settings}
        if isinstance(weights := settings.get("class_weight"), Mapping):
            settings["class_weight"] = _encoded_weights(weights, classes)
    categorical = [i for i, slot in enumerate(plan.slots) if slot.codes]
    if algorithm == "gradient_boosting":
        settings["categorical_features"] = categorical or None
    estimator = estimator_class(algorithm, task)(random_state=seed, **settings)
    if algorithm == "gradient_boosting":  # takes missing values and codes as they are
        return estimator
    return _with_preparation(estimator, categorical, plan, scaled=algorithm == "linear")


def _with_preparation(
    estimator: Any, categorical: Sequence[int], plan: FeaturePlan, *, scaled: bool
) -> Any:
    """Imputation with indicators, and one column a category where distances count."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    measured = [i for i in range(len(plan.slots)) if i not in set(categorical)]
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    if scaled:
        numbers = make_pipeline(imputer, StandardScaler())
        codes: Any = OneHotEncoder(handle_unknown="ignore")
    else:
        numbers = imputer
        codes = SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)
    steps = [("numbers", numbers, measured), ("codes", codes, list(categorical))]
    preparation = ColumnTransformer([step for step in steps if step[2]])
    return make_pipeline(preparation, estimator)


def _encoded_weights(weights: Mapping[Any, Any], classes: Sequence[Any]) -> dict[int, Any]:
    """`class_weight` by class as the user knows it -> by position."""
    by_text = {class_text(value): position for position, value in enumerate(classes)}
    unknown = [name for name in weights if class_text(name) not in by_text]
    if unknown:
        raise UnknownNameError("class in `class_weight`", str(unknown[0]), by_text)
    return {by_text[class_text(name)]: weight for name, weight in weights.items()}


def class_text(value: Any) -> str:
    """A class as people read it: `true`, not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
