"""`assets.ClassificationSet` in YAML: what it makes, and what is said of a wrong one (F112)."""

import dagster as dg
import pytest

from assets.classifications.declaration import ClassificationSpec
from orchestration.classifications.jobs import declared_sets
from tests.assets.loading import told_by_loading
from tests.project import project

LAKE = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: resources.SqlConnector
attributes: {name: vault, dialect: sqlite, path: v.sqlite}
---
"""
FULL = (
    LAKE
    + """
type: assets.ClassificationSet
attributes:
  name: products
  description: What we sell
  columns:
    - {name: Brand, description: Who made it}
    - {name: Size, type: integer}
    - {name: Price, type: float}
    - {name: Tags, type: "list[string]"}
  encoding: latin1
  list_delimiter: "|"
  blank_clears: true
  max_bytes: 1000
  keep_versions: 5
  owners: [ada@example.com, team:data]
  tags: {domain: sales}
  files: {connector: lake, path: "in/*.csv", on_error: wait, settle_seconds: 5}
"""
)


def test_a_set_is_an_asset_with_its_declaration_a_job_and_a_sensor():
    with project(FULL) as definitions:
        [asset] = [
            spec
            for spec in definitions.resolve_all_asset_specs()
            if spec.key == dg.AssetKey(["datasets", "products"])
        ]
        assert asset.group_name == "classifications"
        assert list(asset.owners) == ["ada@example.com", "team:data"]
        assert asset.tags["domain"] == "sales"
        spec = declared_sets(definitions)["products"]
        assert spec.columns == [
            ("Brand", "text"),
            ("Size", "integer"),
            ("Price", "float"),
            ("Tags", "list[string]"),
        ]
        assert (spec.schema.encoding, spec.schema.list_delimiter, spec.schema.blank_clears) == (
            "latin1",
            "|",
            True,
        )
        assert (spec.schema.max_bytes, spec.keep_versions, spec.files.on_error) == (1000, 5, "wait")
        assert spec.column_descriptions == {"Brand": "Who made it"}
        assert ClassificationSpec.from_metadata(spec.to_metadata()) == spec
        assert definitions.resolve_job_def("apply_products").name == "apply_products"
        assert definitions.resolve_sensor_def("products_files").name == "products_files"


def declared(**changes):
    given = {"name": "products", "columns": "[{name: Brand}]", **changes}
    body = "\n".join(f"  {name}: {value}" for name, value in given.items())
    return f"{LAKE}\ntype: assets.ClassificationSet\nattributes:\n{body}\n"


@pytest.mark.parametrize(
    ("changes", "line", "told"),
    [
        ({"columns": "[{name: Key}]"}, 12, "reserved for the key"),
        ({"columns": "[{name: A}, {name: A}]"}, 12, "twice: A"),
        ({"columns": "[]"}, 12, "1 to 400 columns beside Key, not 0"),
        (
            {"columns": "[{name: A, type: date}]"},
            12,
            "Unknown value 'date' for column 'A'. Known: text, integer, float, list[string]",
        ),
        ({"columns": "[{name: A, width: 3}]"}, 12, "width"),
        ({"columns": "[{name: ' A'}]"}, 12, "white space"),
        ({"name": "Pro ducts"}, 11, "cannot name a classification set"),
        ({"encoding": "utf16"}, 13, "latin1"),
        ({"list_delimiter": "'+'"}, 13, "list delimiter"),
        ({"max_bytes": "0"}, 13, "max_bytes"),
        ({"keep_versions": "0"}, 13, "greater than or equal to 1"),
        ({"owners": "[somebody]"}, 13, "somebody"),
        ({"tags": "{'a b!': x}"}, 13, "a b!"),
        ({"files": "{connector: lakes, path: x}"}, 13, "unknown connector 'lakes'"),
        ({"files": "{connector: vault, path: x}"}, 13, "holds tables, not files"),
        ({"files": "{connector: lake, path: x, on_error: stop}"}, 13, "continue"),
        (
            {"files": "{connector: lake, path: x, every_seconds: 0}"},
            13,
            "`every_seconds` 1 or more",
        ),
        ({"files": "{connector: lake, path: x, settle_seconds: -1}"}, 13, "0 or more"),
        ({"files": "{connector: lake, path: ''}"}, 13, "`path` names something"),
        ({"columns": "[{name: Brand}, {name: brand}]"}, 12, "both 'Brand' and 'brand'"),
    ],
)
def test_a_wrong_declaration_is_refused_with_file_and_line(changes, line, told):
    text = told_by_loading(declared(**changes))
    assert told in text
    assert f"defs.yaml:{line}" in text


def test_two_sets_of_one_name_are_refused():
    twice = declared() + "---" + declared()[len(LAKE) :]
    assert "two classification sets are named 'products'" in told_by_loading(twice)


def test_a_set_and_a_dataset_share_their_names():
    both = (
        declared()
        + "---\ntype: assets.Datasource\nattributes: {name: src, connector: lake, path: x.csv}\n"
        + "---\ntype: assets.Dataset\nattributes: {name: products, datasource: src}\n"
    )
    assert "datasets/products is made twice: by " in told_by_loading(both)


def test_a_row_has_to_fit_the_database():
    many = ", ".join(f"{{name: c{n}}}" for n in range(401))
    text = told_by_loading(declared(columns=f"[{many}]"))
    assert "1 to 400 columns beside Key, not 401" in text
    assert "defs.yaml:12" in text
