"""A model as bytes: it comes back the same, and nothing else comes in (T15, E55)."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import skops.io

from assets.models import persist
from assets.models.persist import dump_model, load_model, parse_card
from resources.kernel.errors import ConfigError, IntegrityError
from tests.assets.models.conftest import reload, train_on_mixed

WHERE = "model 'worth', version 7"

VARIANTS = [
    *[("price", "gradient_boosting", {"loss": loss, "max_iter": 3}) for loss in ("gamma", "poisson", "absolute_error")],
    ("price", "gradient_boosting", {"loss": "quantile", "quantile": 0.3, "max_iter": 3}),
    ("level", "gradient_boosting", {"class_weight": "balanced", "early_stopping": True, "max_iter": 3}),
    ("dear", "gradient_boosting", {"max_iter": 3}),
    ("price", "forest", {"oob_score": True, "n_estimators": 3}),
    ("dear", "forest", {"class_weight": "balanced_subsample", "n_estimators": 3}),
    ("price", "linear", {"solver": "saga"}),
    ("dear", "linear", {"solver": "liblinear"}),
    ("level", "linear", {"C": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize(("target", "algorithm", "parameters"), VARIANTS, ids=lambda v: str(v)[:50])
def test_every_kind_of_model_can_be_kept(target, algorithm, parameters):
    model = train_on_mixed(target, algorithm, parameters=parameters)
    assert reload(model).card == model.card


@pytest.mark.parametrize(
    "name", ["boosted_prices", "forest_levels", "linear_prices", "boosted_levels"]
)
def test_a_model_comes_back_the_same(name, request):
    model = request.getfixturevalue(name)
    back = reload(model)
    matrix = np.random.default_rng(0).random((20, len(model.card.plan.slots)))
    np.testing.assert_array_equal(back.estimator.predict(matrix), model.estimator.predict(matrix))
    texts = ["N00001", "", "other"]
    np.testing.assert_array_equal(
        back.encoders["note"].transform(texts), model.encoders["note"].transform(texts)
    )


def test_the_card_comes_back_the_same(boosted_levels):
    card = parse_card(boosted_levels.card.to_text().encode(), where=WHERE)
    assert card == replace(boosted_levels.card, plan=replace(boosted_levels.card.plan, warnings=()))


def dumped(content: object) -> bytes:
    return skops.io.dumps(content)


def with_schema(data: bytes, change) -> bytes:
    """The skops file with its JSON changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == "schema.json" else content)
    return out.getvalue()


class Foreign:
    """A type that no model has."""

    def __init__(self) -> None:
        self.value = 1


def test_a_foreign_type_is_refused_by_name(linear_prices):
    content = {"estimator": linear_prices.estimator, "encoders": {"note": Foreign()}}
    with pytest.raises(IntegrityError, match=r"test_persist\.Foreign") as caught:
        load_model(dumped(content), linear_prices.card, where=WHERE)
    assert WHERE in str(caught.value)


@pytest.mark.parametrize(
    "wanted", ["os.system", "builtins.eval", "subprocess.Popen", "sklearn.svm._classes.SVC"]
)
def test_a_crafted_type_is_refused_before_anything_is_built(wanted, linear_prices):
    module, _, name = wanted.rpartition(".")
    data = with_schema(
        dump_model(linear_prices),
        lambda text: text.replace('"Ridge"', f'"{name}"').replace(
            '"sklearn.linear_model._ridge"', f'"{module}"'
        ),
    )
    with pytest.raises(IntegrityError, match=wanted.replace(".", r"\.")):
        load_model(data, linear_prices.card, where=WHERE)


def test_skops_own_trust_is_wider_than_ours():
    """A support vector machine loads in skops as it is, and is no model of ours."""
    from sklearn.svm import SVC

    data = dumped({"estimator": SVC(), "encoders": {}})
    assert skops.io.get_untrusted_types(data=data) == []
    assert "sklearn.svm._classes.SVC" not in persist.ALLOWED_TYPES


class Bomb:
    """Runs when it is unpickled."""

    ran = False

    def __reduce__(self):
        return setattr, (Bomb, "ran", True)


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: pickle.dumps(Bomb()), id="pickle renamed"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: cut(data, 0.5), id="truncated"),
        pytest.param(lambda data: cut(data, 0.999), id="end cut off"),
        pytest.param(lambda data: with_schema(data, lambda text: "{"), id="broken JSON"),
        pytest.param(lambda data: with_schema(data, lambda text: "[" * 200_000), id="deep JSON"),
        pytest.param(lambda data: with_schema(data, lambda text: "{}"), id="empty JSON"),
        pytest.param(lambda data: dumped([1, 2]), id="another content"),
        pytest.param(lambda data: dumped({"estimator": 1, "encoders": {}}), id="no estimator"),
        pytest.param(lambda data: dumped({"estimator": 1, "encoders": 2}), id="no encoders"),
    ],
)
def test_a_damaged_file_is_one_clear_error(damage, linear_prices):
    with pytest.raises(IntegrityError, match="the model's file cannot be used") as caught:
        load_model(damage(dump_model(linear_prices)), linear_prices.card, where=WHERE)
    assert WHERE in str(caught.value)
    assert not Bomb.ran


@pytest.mark.parametrize("position", range(5))
def test_a_flipped_byte_never_gives_another_model(position, linear_prices):
    data = bytearray(dump_model(linear_prices))
    data[len(data) * (position + 1) // 7] ^= 0xFF
    try:
        loaded = load_model(bytes(data), linear_prices.card, where=WHERE)
    except IntegrityError:
        return
    matrix = np.ones((5, len(linear_prices.card.plan.slots)))
    np.testing.assert_array_equal(
        loaded.estimator.predict(matrix), linear_prices.estimator.predict(matrix)
    )


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(linear_prices, monkeypatch):
    monkeypatch.setattr(persist, "MAX_UNPACKED_BYTES", 1_000)
    data = skops.io.dumps({"estimator": linear_prices.estimator, "encoders": {}})
    with pytest.raises(IntegrityError, match="unpacks to"):
        load_model(data, linear_prices.card, where=WHERE)


@pytest.mark.parametrize("trained", ["0.24.2", "2.0.0", "odd", None])
def test_another_scikit_learn_is_named_with_the_installed_one(trained, linear_prices):
    card = replace(linear_prices.card, libraries={"scikit-learn": trained} if trained else {})
    with pytest.raises(ConfigError, match=trained or "an unknown version") as caught:
        load_model(dump_model(linear_prices), card, where=WHERE)
    assert persist.library_versions()["scikit-learn"] in str(caught.value)
    assert WHERE in str(caught.value)


def test_a_patch_release_is_no_other_scikit_learn(linear_prices):
    installed = persist.library_versions()["scikit-learn"]
    other = ".".join([*installed.split(".")[:2], "99"])
    card = replace(linear_prices.card, libraries={"scikit-learn": other})
    assert load_model(dump_model(linear_prices), card, where=WHERE)


def test_a_file_of_another_model_is_refused(linear_prices, forest_levels, boosted_prices):
    for other in (forest_levels, boosted_prices):
        with pytest.raises(IntegrityError, match="not of the model that its card describes"):
            load_model(dump_model(other), linear_prices.card, where=WHERE)


@pytest.mark.parametrize(
    "change",
    [
        lambda card: "no JSON",
        lambda card: [],
        lambda card: card | {"format": 2},
        lambda card: {key: value for key, value in card.items() if key != "seed"},
        lambda card: card | {"task": "guessing"},
        lambda card: card | {"algorithm": "magic"},
        lambda card: card | {"target": {"column": "price", "type": "double", "classes": ["a", "b"]}},
        lambda card: card | {"features": [{"column": "size"}]},
    ],
    ids=["text", "list", "newer format", "missing", "task", "algorithm", "classes", "features"],
)  # fmt: skip
def test_a_damaged_card_is_refused(change, linear_prices):
    changed = change(json.loads(linear_prices.card.to_text()))
    text = changed if isinstance(changed, str) else json.dumps(changed)
    with pytest.raises(IntegrityError):
        parse_card(text.encode(), where=WHERE)
