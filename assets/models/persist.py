"""A model as bytes and back, without pickle (T15).

skops writes a zip of JSON and plain arrays. Its own list of trusted types is wide; ours is the list below: the
types that a model made by `train.py` holds, and no other. A type is refused by name before anything is built.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assets.models.card import ModelCard
from assets.models.estimators import estimator_class
from assets.models.train import TrainedModel, library_versions
from assets.models.trees import check_trees
from resources.kernel.errors import ConfigError, IntegrityError

MAX_UNPACKED_BYTES = 4 * 1024**3  # T9
MAX_ENTRIES = 1_000_000

# What skops does not trust by itself, and our models hold. `partial` and `check_array` are how gradient boosting
# passes measured columns on; `Tree` and `TreePredictor` are checked by trees.py before they are walked.
EXTRA_TYPES = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
_LOSSES = (
    "AbsoluteError", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss", "HalfPoissonLoss",
    "HalfSquaredError", "PinballLoss",
)  # fmt: skip
_LINKS = ("HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit")
_BUILTINS = ("bool", "dict", "float", "int", "list", "slice", "str", "tuple")
_NUMPY = (
    "bool", "float32", "float64", "int32", "int64", "ndarray", "uint32", "uint64", "uint8",
    "random._generator.Generator", "random._pcg64.PCG64",
)  # fmt: skip
_SKLEARN = (
    "compose._column_transformer.ColumnTransformer",
    "decomposition._truncated_svd.TruncatedSVD",
    "ensemble._forest.RandomForestClassifier",
    "ensemble._forest.RandomForestRegressor",
    "ensemble._hist_gradient_boosting.binning._BinMapper",
    "ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "feature_extraction.text.HashingVectorizer",
    "impute._base.MissingIndicator",
    "impute._base.SimpleImputer",
    "linear_model._logistic.LogisticRegression",
    "linear_model._ridge.Ridge",
    "pipeline.Pipeline",
    "preprocessing._data.StandardScaler",
    "preprocessing._encoders.OneHotEncoder",
    "preprocessing._encoders.OrdinalEncoder",
    "preprocessing._function_transformer.FunctionTransformer",
    "preprocessing._label.LabelEncoder",
    "tree._classes.DecisionTreeClassifier",
    "tree._classes.DecisionTreeRegressor",
)
ALLOWED_TYPES = frozenset(
    [
        *EXTRA_TYPES,
        *(f"builtins.{name}" for name in _BUILTINS),
        *(f"numpy.{name}" for name in _NUMPY),
        *(f"sklearn.{name}" for name in _SKLEARN),
        *(f"sklearn._loss.loss.{name}" for name in _LOSSES),
        *(f"sklearn._loss._loss.Cy{name}" for name in _LOSSES),
        *(f"sklearn._loss.link.{name}" for name in _LINKS),
    ]
)


@dataclass(frozen=True)
class LoadedModel:
    """A kept model, ready to predict."""

    estimator: Any
    encoders: dict[str, Any]
    card: ModelCard


def dump_model(model: TrainedModel) -> bytes:
    """The bytes of `model.skops`; proven to load again.

    Raises:
        ConfigError: a parameter brought a type into the model that could not be loaded.
    """
    import skops.io

    data: bytes = skops.io.dumps(
        {"estimator": model.estimator, "encoders": model.encoders},
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=1,
    )
    if foreign := sorted(_types(data) - ALLOWED_TYPES):
        raise ConfigError(
            f"Model {model.card.name!r} cannot be kept: it would hold {', '.join(foreign[:5])}",
            hint="Remove the parameter that brings it in from `parameters:`",
            types=foreign,
        )
    load_model(data, model.card, where=f"model {model.card.name!r}")
    return data


def load_model(data: bytes, card: ModelCard, *, where: str) -> LoadedModel:
    """The model again.

    Args:
        data: bytes of `model.skops`.
        card: what stands beside it.
        where: the model and its version, for error texts.

    Raises:
        ConfigError: it was trained with another scikit-learn than the one installed (E55).
        IntegrityError: the file is damaged, is no skops file, holds a foreign type, or does not fit its card.
    """
    _check_library(card, where)
    foreign = sorted(_read_types(data, where) - ALLOWED_TYPES)
    if foreign:
        raise IntegrityError(
            f"{where}: the model's file holds types that no model made here has: {', '.join(foreign[:5])}",
            hint="It is foreign and was not opened: train the model again",
            types=foreign,
        )
    estimator, encoders = _parts(_construct(data, where), where)
    _check_fit(estimator, encoders, card, where)
    return LoadedModel(estimator, encoders, card)


def parse_card(data: bytes, *, where: str) -> ModelCard:
    """The card from the bytes of `card.json`.

    Raises:
        IntegrityError: the bytes are no card.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, "its card is not JSON") from error
    if not isinstance(content, Mapping):
        raise _damaged(where, "its card is not a JSON object")
    return ModelCard.from_json(content)


def _check_library(card: ModelCard, where: str) -> None:
    trained = str(card.libraries.get("scikit-learn", "an unknown version"))
    installed = library_versions()["scikit-learn"]
    if trained.split(".")[:2] != installed.split(".")[:2]:
        raise ConfigError(
            f"{where} was trained with scikit-learn {trained}, but {installed} is installed",
            hint=f"Train the model again, or install scikit-learn {trained}",
            trained=trained,
            installed=installed,
        )


def _read_types(data: bytes, where: str) -> set[str]:
    try:
        return _types(data)
    except IntegrityError as error:
        raise _damaged(where, error.message) from error
    except (
        KeyError,
        ValueError,
        TypeError,
        RecursionError,
        OSError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise _damaged(where, "it is no skops file") from error
    except zipfile.BadZipFile as error:
        raise _damaged(where, "it is cut off, or no skops file") from error


def _types(data: bytes) -> set[str]:
    """Every type that the file asks for, read from its JSON alone."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > MAX_UNPACKED_BYTES or len(entries) > MAX_ENTRIES:
            raise IntegrityError(f"it unpacks to {unpacked:,} bytes in {len(entries):,} entries")
        return set(_walk(json.loads(archive.read("schema.json"))))


def _walk(state: Any) -> Iterator[str]:
    pending = [state]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if "__class__" in node:
                yield f"{node.get('__module__')}.{node['__class__']}"
            if node.get("__loader__") == "JsonNode":  # its content is a value, not a tree
                continue
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _construct(data: bytes, where: str) -> Any:
    import warnings

    import skops.io

    with warnings.catch_warnings():
        # another patch release of scikit-learn: _check_library has decided about versions
        warnings.simplefilter("ignore")
        try:
            return skops.io.loads(data, trusted=list(EXTRA_TYPES))
        except Exception as error:  # a damaged file fails anywhere inside skops, NumPy or zlib
            raise _damaged(where, f"{type(error).__name__} while it was read") from error


def _parts(content: Any, where: str) -> tuple[Any, dict[str, Any]]:
    if not isinstance(content, dict) or set(content) != {"estimator", "encoders"}:
        raise _damaged(where, "it does not hold an estimator and its encoders")
    if not isinstance(content["encoders"], dict):
        raise _damaged(where, "its encoders are no mapping")
    return content["estimator"], content["encoders"]


def _check_fit(estimator: Any, encoders: Mapping[str, Any], card: ModelCard, where: str) -> None:
    """The file must be of the model that the card describes."""
    from sklearn.pipeline import Pipeline

    final = estimator[-1] if type(estimator) is Pipeline else estimator
    width = len(card.plan.slots)
    texts = {feature.column for feature in card.plan.features if feature.kind == "text"}
    expected = estimator_class(card.algorithm, card.task)
    if (
        type(final) is not expected
        or getattr(estimator, "n_features_in_", None) != width
        or set(encoders) != texts
        or any(type(encoder) is not Pipeline for encoder in encoders.values())
        or len(getattr(final, "classes_", ())) != len(card.classes)
    ):
        raise _damaged(where, "it is not of the model that its card describes")
    check_trees(final, final.n_features_in_, where=where)


def _damaged(where: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"{where}: the model's file cannot be used: {reason}",
        hint="Train the model again, or predict with another version",
    )
