"""Pictures of a model: PNG inside Markdown, small, whatever the names are."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest

from assets.models.charts import draw_answers, draw_importance
from assets.pictures import MARKDOWN_LIMIT

PNG = b"\x89PNG\r\n\x1a\n"


def is_picture(text: str) -> bool:
    head, _, rest = text.partition("](data:image/png;base64,")
    return (
        head.startswith("![")
        and base64.b64decode(rest.removesuffix(")")).startswith(PNG)
        and len(text) < MARKDOWN_LIMIT
    )


@pytest.mark.parametrize("name", ["boosted_prices", "forest_levels"])
def test_pictures_of_a_model(name, request):
    model = request.getfixturevalue(name)
    assert is_picture(draw_importance(model.card))
    assert is_picture(draw_answers(model))


def test_many_points_and_many_columns(boosted_prices):
    rng = np.random.default_rng(0)
    entries = tuple(
        {"column": f"$\\frac{{{n}" * 20, "mean": 1.0 / (n + 1), "deviation": 0.1}
        for n in range(300)
    )
    card = replace(boosted_prices.card, target="$^x$_{", importance=entries)
    model = replace(
        boosted_prices, card=card, actual=rng.normal(size=90_000), predicted=rng.normal(size=90_000)
    )
    assert is_picture(draw_importance(card))
    assert is_picture(draw_answers(model))


def test_many_classes(forest_levels):
    card = replace(forest_levels.card, classes=tuple(f"class {n} 名前" for n in range(50)))
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 50, 2_000)
    probabilities = rng.dirichlet(np.ones(50), 2_000)
    assert is_picture(
        draw_answers(replace(forest_levels, card=card, actual=actual, predicted=probabilities))
    )
