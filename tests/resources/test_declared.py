"""What stands in YAML arrives as that: texts as texts, in every attribute of every noun (F3)."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import get_args

import dagster as dg
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from orchestration.loading.attributes import parse_attributes
from orchestration.loading.documents import read_documents
from orchestration.loading.types import component_type, known_types
from resources.declared import DeclaredComponent, TextContext, as_texts
from resources.kernel.errors import ConfigError
from resources.stores.tables import TableStore
from tests.project import materialize, project

HOSTILE = [
    "1", "-1", "1e5", "2024", "None", "True", "false", "null", "~", "'1'", '"1"', "[12]", "{1}", "{'a': 1}", "(1, 2)",
    "{# x #}", "select '{#' as a, '#}' as b", "{%", "{% if x %}", "{{1,2},{3,4}}", "'{{1,2},{3,4}}'::int[]", "{{",
    "}}", "{{ }}", "{{ nobody }}", "{{ a.b }}", "{{env}}", "{{ dg }}", "{{ 1 + 1 }}", '"a.b"', "2026-01-01", "0x10",
    "1_000", "b'x'", "...", " 1 ", "\\n", "# no comment", "-", "@x", "{{ project_root }}", "{{ automation_condition.eager() }}",
]  # fmt: skip

NOUNS = known_types()


def resolved(
    kind: type[dg.Component], attributes: dict[str, object], tmp_path
) -> DeclaredComponent:
    """The component that YAML of these attributes makes, read from a file as every other."""
    file = tmp_path / "defs.yaml"
    file.write_text(yaml.safe_dump({"type": "x.Y", "attributes": attributes}, default_style='"'))
    (document,) = read_documents(file)
    model, problems = parse_attributes(kind, document)
    assert not problems, problems
    context = TextContext(scope=dg.ResolutionContext.default().scope)
    return kind.resolve_from_model(context.at_path("attributes"), model)


def test_every_noun_takes_its_texts_in_this_way():
    assert all(issubclass(component_type(name, ""), DeclaredComponent) for name in NOUNS)
    assert len(NOUNS) >= 15


TEXT_FIELDS = [
    (name, field)
    for name in NOUNS
    for field, info in component_type(name, "").model_fields.items()
    if info.annotation is str
]


@cache
def _least(name: str) -> dict[str, object]:
    """The attributes that a type cannot do without."""
    return _least_of(component_type(name, "").get_model_cls())


def _least_of(model: type[BaseModel]) -> dict[str, object]:
    least: dict[str, object] = {}
    for field, info in model.model_fields.items():
        if info.is_required():
            kinds = [info.annotation, *get_args(info.annotation)]  # a model, or a template for one
            nested = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
            text = "sqlite" if field == "dialect" else "x"
            least[field] = _least_of(nested[0]) if nested else text
    return least | {field: [] for field in ("columns", "keys") if field in least}


@pytest.mark.parametrize(("name", "field"), TEXT_FIELDS, ids=".".join)
def test_a_text_attribute_is_the_text_that_stands_there(name, field, tmp_path):
    kind = component_type(name, "")
    yaml_name = "model" if (name, field) == ("assets.Prediction", "trained") else field
    for text in HOSTILE:
        made = resolved(kind, {**_least(name), yaml_name: text}, tmp_path)
        assert getattr(made, field) == text


NESTED = [
    ("assets.Dataset", "checks", lambda v: [{"expect_column_values_to_be_in_set": {"column": "a", "value_set": v}}]),
    ("assets.Datasource", "options", lambda v: {"null_values": v, "types": {"a": v}}),
    ("assets.Model", "parameters", lambda v: {"a": v, "b": {"c": [v]}}),
    ("assets.Model", "exclude", lambda v: v if isinstance(v, list) else [v]),
    ("assets.Embedding", "columns", lambda v: v if isinstance(v, list) else [v]),
    ("orchestration.Pipeline", "export", lambda v: v if isinstance(v, list) else [v]),
    ("assets.ClassificationSet", "owners", lambda v: v if isinstance(v, list) else [v]),
    ("resources.SqlConnector", "options", lambda v: {"a": v}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field", "shape"), NESTED, ids=[f"{n}.{f}" for n, f, _ in NESTED])
def test_texts_inside_lists_and_mappings_stay_as_they_are(name, field, shape, tmp_path):
    kind = component_type(name, "")
    given_value = shape(HOSTILE)
    made = resolved(kind, {**_least(name), field: given_value}, tmp_path)
    assert getattr(made, field) == given_value


def test_parameters_of_a_query_are_the_texts_that_were_given(tmp_path):
    kind = component_type("assets.Datasource", "")
    texts = {f"p{number}": text for number, text in enumerate(HOSTILE)}
    made = resolved(kind, {"name": "a", "connector": "b", "parameters": texts}, tmp_path)
    assert dict(made.parameters) == texts


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_that_names_nothing_in_scope_stays(text):
    context = TextContext(scope={"env": object(), "dg": object()})
    nested = {"a": [text, {"b": (text,)}]}
    if "{{" not in text or not any(
        f"{name}{sign}" in text for name in ("env", "dg") for sign in ".( "
    ):
        assert context.resolve_value(nested) == nested


def test_without_quotes_yaml_means_what_yaml_means(tmp_path):
    file = tmp_path / "defs.yaml"
    file.write_text(
        "type: x.Y\nattributes: {a: 1, b: true, c: null, d: 1.5, e: 2026-01-01, f: '1'}\n"
    )
    (document,) = read_documents(file)
    assert document.value["attributes"] == {
        "a": 1, "b": True, "c": None, "d": 1.5, "e": "2026-01-01", "f": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ env.WAYBILL_TEST_CODE }}", "007"),
        ("{{env.WAYBILL_TEST_CODE}}", "007"),
        ("{{ env('WAYBILL_TEST_CODE') }}", "007"),
        ("{{ env('WAYBILL_TEST_UNSET', 'None') }}", "None"),
        ("{{ env('WAYBILL_TEST_UNSET', '{x}') }}", "{x}"),
        ("in/{{ env.WAYBILL_TEST_CODE }}/{{ env('WAYBILL_TEST_UNSET', '1') }}.csv", "in/007/1.csv"),
        ("{{ part }}", ["1", 2]),
        ("{{ part[0] }}", "1"),
        ("{1}{{ env.WAYBILL_TEST_CODE }}{# no comment #}", "{1}007{# no comment #}"),
    ],
)
def test_templates_of_names_in_scope_work_and_are_not_read_again(text, expected, monkeypatch):
    monkeypatch.setenv("WAYBILL_TEST_CODE", "007")
    monkeypatch.delenv("WAYBILL_TEST_UNSET", raising=False)
    context = as_texts(dg.ResolutionContext.default()).with_scope(part=["1", 2])
    assert context.resolve_value(text) == expected


@pytest.mark.parametrize(
    "text", ["{{ env.WAYBILL_TEST_UNSET }}", "a{{ env('WAYBILL_TEST_UNSET') }}"]
)
def test_a_variable_that_is_not_set_is_one_line_with_its_place(text, monkeypatch):
    monkeypatch.delenv("WAYBILL_TEST_UNSET", raising=False)
    document = f'type: resources.FolderConnector\nattributes:\n  name: lake\n  root: "{text}"\n'
    with pytest.raises(ConfigError) as caught, project(document):
        pass
    assert "defs.yaml:4: root: the environment variable WAYBILL_TEST_UNSET is not set" in str(
        caught.value
    )


def test_texts_reach_the_database_and_the_checks_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    with sqlite3.connect(tmp_path / "w.sqlite") as database:
        database.execute("create table t (code text)")
        database.executemany("insert into t values (?)", [("None",), ("1",), ("01",)])
    document = """
type: resources.SqlConnector
attributes: {name: w, dialect: sqlite, path: w.sqlite}
---
type: assets.Datasource
attributes:
  name: q
  connector: w
  query: >-
    select code, '{# x #}' as a, '{{1,2},{3,4}}' as b, '{% raw' as c from t where code = :code
  parameters: {code: "None"}
---
type: assets.Dataset
attributes:
  name: q
  datasource: q
  checks:
    - expect_column_values_to_be_in_set: {column: code, value_set: ["None", "1"]}
    - expect_column_values_to_match_regex: {column: b, regex: "[12]"}
"""
    with project(document) as definitions, dg.DagsterInstance.ephemeral() as instance:
        result = materialize(definitions, "datasets/q", instance=instance)
        assert [c.passed for c in result.get_asset_check_evaluations()] == [True, True, True]
    rows = TableStore.open(str(tmp_path / "store")).read(("datasets", "q")).sample(9).to_pylist()
    assert rows == [{"code": "None", "a": "{# x #}", "b": "{{1,2},{3,4}}", "c": "{% raw"}]
