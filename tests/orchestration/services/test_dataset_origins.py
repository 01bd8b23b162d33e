"""The four origins, from graphs of assets and the pipelines over them."""

from __future__ import annotations

import pytest

from orchestration.services.dataset_origins import AssetFacts, origins_of, pipelines_of

NOUNS = {"m": "model", "x": "exporter", "e": "embedding"}


def asset(name: str, *upstream: str, maker: str = "transform") -> AssetFacts:
    return AssetFacts((name,), NOUNS.get(name[0], "dataset"), tuple((u,) for u in upstream), maker)


def short(assets, *jobs: str) -> dict[str, str]:
    """`a: out` for pipeline output, `mid` for intermediate; pipelines as names of assets with blanks."""
    found = origins_of(assets, [{(name,) for name in job.split()} for job in jobs])
    words = {"pipeline output": "out", "pipeline intermediate": "mid"}
    return {key[0]: words.get(origin, origin) for key, origin in found.items()}


CHAIN = [
    asset("d", maker="datasource"),
    asset("a", "d"),
    asset("b", "a"),
    asset("x1", "b", maker=""),
]


@pytest.mark.parametrize(
    ("assets", "jobs", "expected"),
    [
        pytest.param(CHAIN, (), {"d": "datasource", "a": "mid", "b": "out"}, id="no pipeline"),
        pytest.param(CHAIN, ("d a b x1",), {"d": "datasource", "a": "mid", "b": "out"}, id="one"),
        pytest.param(
            CHAIN, ("d a b", "d a"), {"d": "datasource", "a": "out", "b": "out"}, id="ends in a"
        ),
        pytest.param(
            [asset("a"), asset("m1", "a"), asset("p", "a", "m1", maker="prediction")],
            (),
            {"a": "mid", "p": "out"},
            id="a model uses it up",
        ),
        pytest.param([asset("a"), asset("e1", "a")], (), {"a": "out"}, id="an embedding shows it"),
        pytest.param([asset("a", "a")], (), {"a": "out"}, id="its own input"),
        pytest.param(
            [asset("u", maker="upload"), asset("c", maker="classification"), asset("a", "u", "c")],
            (),
            {"u": "upload", "c": "upload", "a": "out"},
            id="filled by people",
        ),
        pytest.param(
            [asset("a", maker="python"), asset("b", "a")],
            ("b",),
            {"a": "mid", "b": "out"},
            id="a in none",
        ),
    ],
)
def test_origins(assets, jobs, expected):
    assert short(assets, *jobs) == expected


def test_pipelines_are_named_by_what_they_make():
    assert pipelines_of({"b": [("x",)], "a": [("x",), ("y",)]}) == {
        ("x",): ["a", "b"],
        ("y",): ["a"],
    }
