"""A query as YAML: what Dagster loads from it is the same statement."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets.transforms.component import SqlTransform
from orchestration.location import Location
from orchestration.services.queries.transform import transform_text
from resources.kernel.errors import ConfigError, InputError
from resources.references import declared_in
from tests.orchestration.services.rows.shelf import Shelf
from tests.project import project

ORDERS = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: landing, connector: lake, path: "*.csv"}
---
type: assets.Dataset
attributes: {name: orders, datasource: landing, refresh: manual}
---
"""
STATEMENTS = [
    "select id from orders",
    "select note,\n  count(*) as n -- it's \"q\": {% raw %} {x} #x\nfrom orders\n  where note like '%: yes'\ngroup by 1",
    "select 'a\tb' as \"col: x\"\n\n  from orders",
    "select id from orders -- trailing   \nwhere true",
    "select '\u202e\U0001f600\x1b' as x from orders",
    "  -- type: assets.Exporter\nselect 1 as a from orders",
    "select '\n---\ntype: assets.Dataset\n' as x from orders",
]


@pytest.fixture
def location(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put("orders", pa.table({"id": [1], "note": ["x"]}))
    return shelf.location


@pytest.mark.parametrize("sql", STATEMENTS)
def test_what_is_loaded_is_the_statement(location, sql):
    found = transform_text(location, sql, "result")
    assert found.reads == ("orders",)
    with project(ORDERS + found.yaml) as definitions:
        assert "result" in Location(definitions).datasets()
        tree = definitions.component_tree
        (loaded,) = declared_in(tree, SqlTransform, noun="transform").values()
    assert loaded.sql.strip() == sql.strip()


def test_lines_stay_lines(location):
    found = transform_text(location, "select id\nfrom orders", "result")
    assert found.yaml.endswith("  sql: |\n    select id\n    from orders\n")


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("Result Set", ConfigError, "for instance 'result_set'"),
        ("x\n---\ntype: assets.Exporter", ConfigError, "cannot name a transform"),
        ("orders", InputError, "there is a dataset 'orders' already"),
    ],
)
def test_a_name_that_cannot_be(location, name, kind, text):
    with pytest.raises(kind, match=text):
        transform_text(location, "select id from orders", name)


def test_a_statement_that_a_definition_would_change_is_refused(location):
    with pytest.raises(InputError, match="may take for a template"):
        transform_text(location, "select '{{ env.HOME }}' as x from orders", "result")


def test_a_character_that_no_catalog_keeps_is_refused_as_when_it_is_run(location):
    with pytest.raises(InputError, match="NUL"):
        transform_text(location, "select 'a\0b' as x from orders", "made")
