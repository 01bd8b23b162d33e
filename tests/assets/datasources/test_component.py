"""A data source from its YAML: what is refused at load with its line, and what its fingerprint decides about imports."""

import sqlite3

import dagster as dg
import pytest

from tests.project import materialize, project

CONNECTORS = """type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, path: shop.sqlite}
---
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
"""
HEAD = "type: assets.Datasource\nattributes:\n  name: orders\n"


def failure(yaml: str) -> str:
    """The texts of all errors that loading ends in: Dagster wraps them in its own."""
    loading = project(CONNECTORS + HEAD + yaml)
    with pytest.raises(Exception) as caught, loading:  # noqa: PT011 - whatever Dagster wraps it in
        pass
    texts, error = [], caught.value
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("yaml", "said", "line"),
    [
        ("  connector: shop\n  table: t\n  fingerprint: often\n", "{max: COLUMN}", 12),
        ("  connector: lake\n  path: a.csv\n  fingerprint: rows\n", "tables and queries", 12),
        (
            "  connector: shop\n  query: select 1\n  parameters: {1a: 2}\n",
            "cannot name a parameter",
            12,
        ),
        (
            "  connector: shop\n  query: select 1\n  parameters: {a: [hidden]}\n",
            "parameters: a cannot be",
            12,
        ),
        ("  connector: shop\n  table: t\n  parameters: {a: 1}\n", "cannot go with 'table'", 12),
        ("  connector: shop\n  query: select 1\n  timeout_seconds: 0\n", "1 or more", 12),
        ("  connector: shop\n  query: delete from t\n", "begins with DELETE", 11),
        (
            "  connector: shop\n  query: select 1\n  parameters: {a: hidden}\n",
            "the query has no :a",
            12,
        ),
        ("  connector: shop\n  path: a.csv\n", "holds tables", 9),
        ("  connector: lake\n  path: a.xyz\n", "does not tell the format", 11),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_line(yaml, said, line):
    text = failure(yaml)
    assert said in text
    assert f"defs.yaml:{line}" in text
    assert "hidden" not in text.split("cannot be", 1)[-1].splitlines()[0]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Changes the source's table."""
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake").mkdir()

    def execute(statements: str) -> None:
        connection = sqlite3.connect(tmp_path / "shop.sqlite")
        connection.executescript(statements)
        connection.close()

    execute("CREATE TABLE t (id INTEGER, note TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    return execute


def test_the_chosen_fingerprint_is_the_data_version_and_decides_about_imports(shop):
    """A change that it misses is imported with the next one that it sees, or when forced."""
    yaml = (
        CONNECTORS + HEAD + "  connector: shop\n  query: select * from t where id >= :least\n"
        "  parameters: {least: 1}\n  fingerprint: {max: id}\n"
        "---\ntype: assets.Dataset\nattributes: {name: copy, datasource: orders, refresh: on_change}\n"
    )
    with project(yaml) as definitions, dg.DagsterInstance.ephemeral() as instance:

        def look() -> tuple[str, int, str]:
            result = materialize(
                definitions, "datasources/orders", "datasets/copy", instance=instance
            )
            (seen,) = (e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION")
            found = result.get_asset_materialization_events()
            (made,) = (e for e in found if e.asset_key == dg.AssetKey(["datasets", "copy"]))
            observed = seen.asset_observation_data.asset_observation
            imported = made.materialization.metadata
            assert imported["source version"].text == observed.metadata["fingerprint"].text
            assert observed.tags["dagster/data_version"] == observed.metadata["fingerprint"].text
            return (
                observed.metadata["max of id"].text,
                imported["version"].value,
                imported["changed"].text,
            )

        assert look()[:2] == ("2", 1)
        shop("UPDATE t SET note = 'missed'")
        assert look()[:2] == ("2", 1)
        shop("INSERT INTO t VALUES (7, 'seen')")
        assert look() == ("7", 2, "yes")
        spec = definitions.resolve_asset_graph().get(dg.AssetKey(["datasources", "orders"]))
        assert spec.metadata["fingerprint by"] == "max of id"
        assert spec.metadata["fingerprint can miss"].startswith("changed values")


FILE_CONNECTORS = {
    "Folder": "{name: place, root: lake}",
    "S3": "{name: place, bucket: b}",
    "Gcs": "{name: place, bucket: b}",
    "Ftp": "{name: place, host: files.example.com}",
    "Sftp": "{name: place, host: files.example.com, username: u, known_hosts: known}",
}


@pytest.mark.parametrize("kind", FILE_CONNECTORS)
def test_every_connector_of_files_can_be_read_and_watched(kind):
    yaml = f"""type: resources.{kind}Connector
attributes: {FILE_CONNECTORS[kind]}
---
type: assets.Datasource
attributes: {{name: files, connector: place, path: in/}}
---
type: assets.Dataset
attributes: {{name: copy, datasource: files}}
---
type: orchestration.Pipeline
attributes:
  name: nightly
  assets: [datasets/copy]
  on_new_objects: {{connector: place, path: 'in/**'}}
"""
    with project(yaml) as definitions:
        sensor = definitions.resolve_sensor_def("nightly_new_objects")
        assert sensor.required_resource_keys == {"place"}
