"""Prediction: Arrow batches in, Arrow batches out, in the same order, with bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assets.features.matrix import MatrixBuilder
from assets.features.plan import kind_of
from assets.features.source import TableSource
from assets.models.card import ModelCard
from assets.models.estimators import class_text
from assets.models.persist import LoadedModel
from assets.models.train import predict_matrix
from resources.kernel.errors import ConfigError, SchemaMismatchError, UnknownNameError
from resources.kernel.records import BatchStream

PREDICTION = "prediction"
SCORE = "score"
MAX_PROBABILITY_COLUMNS = 20  # with more classes, `score` is the probability of the predicted one
BATCH_ROWS = 32_768  # a matrix of 100 numbers a row then takes 26 MB


def predict_table(
    model: LoadedModel, source: TableSource, *, keep: Sequence[str] | None, where: str
) -> BatchStream:
    """Predictions for every row of a table.

    Args:
        model: a kept model.
        source: the table; its columns may come in any order and may be more than the model needs.
        keep: columns to pass on beside the prediction; all when None.
        where: the prediction, for error texts.

    Raises:
        SchemaMismatchError: the table lacks a column that the model learned from, or has it with another type.
        UnknownNameError: a column to keep that the table does not have.
        ConfigError: a kept column has the name of a predicted one.
    """
    kept = _kept_columns(source.schema, keep, where=where)
    check_features(model.card, source.schema, where=where)
    schema = prediction_schema(model.card, source.schema, kept, where=where)
    needed = list(dict.fromkeys([*kept, *model.card.plan.columns]))
    stream = source.batches(columns=needed)
    result = BatchStream(schema, iter(()), guesses=stream.guesses, warnings=stream.warnings)
    result.batches = _predict(model, stream, schema, kept, result.warnings)
    return result


def _predict(
    model: LoadedModel,
    stream: BatchStream,
    schema: pa.Schema,
    kept: Sequence[str],
    warnings: list[str],
) -> Iterator[pa.RecordBatch]:
    builder = MatrixBuilder(model.card.plan, model.encoders)
    for batch in stream:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            answer = predict_matrix(model.estimator, model.card.task, builder.build(part))
            columns = [part.column(name) for name in kept] + _answer_columns(model.card, answer)
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
    warnings.extend(builder.warnings())


def check_features(card: ModelCard, schema: pa.Schema, *, where: str) -> None:
    """Whether a table has what a model learned from.

    Raises:
        SchemaMismatchError: naming every column that is missing or of another kind.
    """
    problems = []
    for feature in card.plan.features:
        if feature.column not in schema.names:
            problems.append(f"{feature.column!r} is missing")
            continue
        found = schema.field(feature.column).type
        wanted = "category" if feature.kind == "text" else feature.kind
        if not pa.types.is_null(found) and kind_of(found) != wanted:
            problems.append(f"{feature.column!r} is {found}, was {feature.type}")
    if problems:
        more = f" and {len(problems) - 8} more" if len(problems) > 8 else ""
        raise SchemaMismatchError(
            f"{where}: the dataset does not fit model {card.name!r}: {'; '.join(problems[:8])}{more}",
            hint="Predict over a dataset with the columns of the training data, or train again",
            problems=problems,
        )


def prediction_schema(
    card: ModelCard, schema: pa.Schema, kept: Sequence[str], *, where: str
) -> pa.Schema:
    """Kept columns, then the predicted ones.

    Raises:
        ConfigError: a kept column has the name of a predicted one, upper and lower case alike.
    """
    fields = [pa.field(PREDICTION, _answer_type(card))]
    fields += [pa.field(name, pa.float64()) for name in probability_columns(card).values()]
    taken = {field.name.casefold() for field in fields}
    twins = [name for name in kept if name.casefold() in taken]
    if twins:
        raise ConfigError(
            f"{where}: the dataset's column {twins[0]!r} has the name of a predicted column",
            hint="List the columns to pass on under `keep:`, without it, or rename it in a transform",
        )
    return pa.schema([*(schema.field(name) for name in kept), *fields])


def probability_columns(card: ModelCard) -> dict[str, str]:
    """Class as text -> column of its probability; `score` alone when the classes are many; empty for numbers."""
    if card.task == "regression":
        return {}
    if len(card.classes) > MAX_PROBABILITY_COLUMNS:
        return {"": SCORE}
    names: dict[str, str] = {}
    for value in card.classes:
        text = class_text(value)
        slug = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40] or "class"
        name, number = f"probability_{slug}", 1
        while name in names.values():
            number += 1
            name = f"probability_{slug}_{number}"
        names[text] = name
    return names


def trace_prediction(
    card: ModelCard, schema: pa.Schema, keep: Sequence[str] | None, *, dataset: str, model: str
) -> dict[str, list[tuple[tuple[str, str], str]]]:
    """Where each column of a prediction comes from.

    Kept ones are the dataset's; predicted ones come from what the model looks at and what it learned to predict.

    Returns:
        Column -> (asset key, column) pairs.
    """
    asked, learned = ("datasets", dataset), ("models", model)
    kept = {name: [(asked, name)] for name in (schema.names if keep is None else keep)}
    sources = [(learned, card.target), *((asked, name) for name in card.plan.columns)]
    predicted = [PREDICTION, *probability_columns(card).values()]
    return {**kept, **{name: list(sources) for name in predicted}}


def _kept_columns(schema: pa.Schema, keep: Sequence[str] | None, *, where: str) -> list[str]:
    for name in keep or ():
        if name not in schema.names:
            raise UnknownNameError("column", name, schema.names, where=where)
    return list(schema.names if keep is None else dict.fromkeys(keep))


def _answer_type(card: ModelCard) -> pa.DataType:
    if card.task == "regression":
        return pa.float64()
    kinds = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}
    return kinds[type(card.classes[0])]


def _answer_columns(card: ModelCard, answer: npt.NDArray[np.float64]) -> list[Any]:
    if card.task == "regression":
        return [pa.array(answer)]
    chosen = answer.argmax(axis=1)
    classes = pa.array(card.classes, _answer_type(card))
    columns = [classes.take(pa.array(chosen))]
    if len(card.classes) > MAX_PROBABILITY_COLUMNS:
        return [*columns, pa.array(answer[np.arange(len(answer)), chosen])]
    return columns + [pa.array(np.ascontiguousarray(column)) for column in answer.T]
