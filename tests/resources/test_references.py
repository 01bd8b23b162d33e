"""Wrong declarations: each is one error when the project is loaded, with file and line, before anything runs."""

import re

import pytest

from resources.kernel.errors import ConfigError, UnknownNameError, WaybillError
from tests.project import project

LAKE = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n"
WAREHOUSE = (
    "type: resources.SqlConnector\nattributes: {name: warehouse, dialect: sqlite, path: w.sqlite}\n"
)
FILES = "type: assets.Datasource\nattributes: {name: files, connector: lake, path: '*.csv'}\n"
DATASET = "type: assets.Dataset\nattributes: {name: orders, datasource: files}\n"
GOOD = [LAKE, WAREHOUSE, FILES, DATASET]


def load(*documents: str, python: str = "") -> None:
    with project("---\n".join(documents), python=python):
        pass


def failure(*documents: str, python: str = "") -> WaybillError:
    """The Waybill error that loading ends in; Dagster wraps it once for each level of its tree."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Dagster wraps it in
        load(*documents, python=python)
    error = caught.value
    while error is not None and not isinstance(error, WaybillError):
        error = error.__cause__
    assert error is not None, caught.value
    return error


def test_a_project_of_good_declarations_loads():
    load(*GOOD)


@pytest.mark.parametrize(
    ("document", "noun", "wrong", "known", "line"),
    [
        (
            "type: assets.Datasource\nattributes:\n  name: x\n  connector: lakee\n  path: a\n",
            "connector", "lakee", ["lake", "warehouse"], 16,
        ),
        (
            "type: assets.Dataset\nattributes:\n  name: x\n  datasource: fles\n",
            "datasource", "fles", ["files"], 16,
        ),
        (
            "type: assets.Exporter\nattributes:\n  name: x\n  dataset: ordrs\n  connector: warehouse\n  table: t\n",
            "dataset", "ordrs", ["orders"], 13,
        ),
        (
            "type: assets.SqlTransform\nattributes:\n  name: x\n  sql: select * from ordrs\n",
            "dataset", "ordrs", ["orders", "x"], 13,
        ),
        (
            "type: assets.Prediction\nattributes:\n  name: x\n  dataset: orders\n  model: modl\n",
            "model", "modl", [], 13,
        ),
        (
            "type: orchestration.Pipeline\nattributes:\n  name: x\n  export: [ordrs]\n",
            "exporter", "ordrs", [], 15,
        ),
        (
            ("type: orchestration.Pipeline\nattributes:\n  name: x\n  assets: [datasets/orders]\n"
            "  on_new_objects: {connector: lakee, path: a}\n"),
            "connector", "lakee", ["lake", "warehouse"], 17,
        ),
    ],
    ids=["datasource", "dataset", "exporter", "transform", "prediction", "pipeline", "sensor"],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_place_and_known_names(document, noun, wrong, known, line):
    error = failure(*GOOD, document)
    assert isinstance(error, UnknownNameError)
    assert error.facts == {"noun": noun, "name": wrong, "known": known}
    said = "data source" if noun == "datasource" else noun
    assert re.search(rf"defs\.yaml:{line}: unknown {said} '{wrong}'", str(error)), str(error)


def test_a_python_asset_that_names_an_unknown_dataset_is_refused():
    error = failure(
        *GOOD,
        python="import dagster as dg\n\n"
        "@dg.asset(deps=[dg.AssetKey(['datasets', 'ordrs'])])\ndef report():\n    return None\n",
    )
    expected = r"written\.py:3: unknown dataset 'ordrs'\. Known: orders\. Did you mean 'orders'\?"
    assert re.search(expected, str(error)), str(error)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (DATASET, "two datasets are named 'orders'"),
        (LAKE, "two connectors are named 'lake'"),
        (
            "type: assets.Dataset\nattributes: {name: Bad Name, datasource: files}\n",
            "'Bad Name' cannot name a dataset. .*'bad_name'",
        ),
        (
            "type: assets.Dataset\nattributes: {name: x, datasource: files, refresh: sometimes}\n",
            "refresh: 'sometimes' is not a cron",
        ),
        (
            "type: assets.Dataset\nattributes: {name: x, datasource: files, checks: [{no_such: {}}]}\n",
            "'no_such' is not an expectation",
        ),
        (
            "type: assets.Datasource\nattributes: {name: x, connector: lake, table: t}\n",
            "data source 'x' gives table; connector 'lake' holds files. Give exactly one of: path",
        ),
        (
            "type: assets.Datasource\nattributes: {name: x, connector: warehouse, table: t, query: q}\n",
            "gives table and query; connector 'warehouse' holds tables",
        ),
        (
            "type: assets.Exporter\nattributes: {name: x, dataset: orders, connector: lake, table: t}\n",
            "connector 'lake' holds files, not tables",
        ),
        (
            "type: assets.Exporter\nattributes: {name: x, dataset: orders, connector: warehouse, table: t, keep_tables: 2}\n",
            "`keep_tables` counts the tables of mode timestamp",
        ),
        (
            "type: assets.SqlTransform\nattributes: {name: x, sql: delete from orders}\n",
            "expected one SELECT, found DELETE",
        ),
        (
            "type: assets.SqlTransform\nattributes: {name: x, sql: select * from x}\n",
            "reads itself",
        ),
        (
            "type: assets.SqlTransform\nattributes: {name: x, file: ../../secret.sql}\n",
            "no file '../../secret.sql' beside the YAML",
        ),
        (
            (
                "type: orchestration.Pipeline\nattributes: {name: x, assets: [datasets/orders],"
                " schedule: {cron: 0 3 * * *, timezone: Mars/Base}}\n"
            ),
            "'Mars/Base' is not a time zone",
        ),
        (
            (
                "type: orchestration.Pipeline\nattributes: {name: x, assets: [datasets/orders],"
                " schedule: {cron: 0 3 * * *, start: 2026-02-01, end: 2026-01-01}}\n"
            ),
            "ends on 2026-01-01, before it starts on 2026-02-01",
        ),
        (
            "type: orchestration.Pipeline\nattributes: {name: x}\n",
            "pipeline 'x' makes nothing",
        ),
        (
            "type: resources.SqlConnector\nattributes: {name: x, dialect: postgresql, path: f}\n",
            r"lacks host, database, username, and takes no path",
        ),
        (
            "type: resources.SqlConnector\nattributes: {name: x, dialect: sqlite, path: f, port: 1}\n",
            "takes no port",
        ),
        (
            (
                "type: resources.SqlConnector\nattributes: {name: x, dialect: postgresql, host: h,"
                " database: d, username: u, port: abc}\n"
            ),
            r"defs.yaml:\d+: connector 'x': port 'abc' is not one",
        ),
        (
            "type: resources.SqlConnector\nattributes: {name: x, dialect: oracle, host: h, username: u}\n",
            r"defs.yaml:\d+: connector 'x' \(oracle\) lacks service_name. A oracle connector needs host, service_name",
        ),
        (
            (
                "type: resources.SqlConnector\nattributes: {name: x, dialect: other, driver: trino, host: h,"
                " options: {access_token: hunter2canary}}\n"
            ),
            r"the option 'access_token' holds a secret; a literal or a template is refused",
        ),
        (
            (
                "type: resources.SqlConnector\nattributes: {name: x, dialect: mssql, host: h, database: d,"
                " username: u, options: {use_datetime2: 'no'}}\n"
            ),
            r"unknown option of SQL Server 'use_datetime2'. Known: appname, encryption, tds_version",
        ),
        (
            (
                "type: resources.SqlConnector\nattributes: {name: bq, dialect: bigquery, project: p}\n---\n"
                "type: assets.Exporter\nattributes: {name: x, dataset: orders, connector: bq, table: t}\n"
            ),
            r"exporter 'x': connector 'bq': BigQuery is read only here: a load and the record",
        ),
        (
            (
                "type: resources.SqlConnector\nattributes: {name: tr, dialect: other, driver: trino, host: h}\n---\n"
                "type: assets.Exporter\nattributes: {name: x, dataset: orders, connector: tr, table: t}\n"
            ),
            r"connector 'tr': databases reached by trino are read only here",
        ),
        (
            "type: resources.FolderConnector\nattributes: {name: io_manager, root: r}\n",
            r"defs.yaml:\d+: 'io_manager' is a name that the project itself uses",
        ),
    ],
)
def test_a_wrong_declaration_says_what_and_what_to_do(document, message):
    error = failure(*GOOD, document)
    assert isinstance(error, ConfigError)
    assert re.search(message, str(error)), str(error)


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2canary",
        '"{{ env.HUNTER2CANARY }}"',
        "{env: [hunter2canary]}",
        "{var: hunter2canary}",
    ],
    ids=["literal", "template", "list", "wrong word"],
)
def test_a_secret_that_is_no_variable_is_refused_and_not_repeated(secret):
    document = (
        "type: resources.SqlConnector\nattributes:\n  name: x\n  dialect: postgresql\n  host: h\n"
        f"  database: d\n  password: {secret}\n"
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Dagster wraps it in
        load(*GOOD, document)
    told, error = [], caught.value
    while error is not None:
        told.append(str(error))
        error = error.__cause__ or error.__context__
    assert any("password must name an environment variable" in text for text in told)
    assert not any("hunter2canary" in text.lower() for text in told)


def test_a_secret_under_a_misspelt_field_is_not_repeated():
    document = (
        "type: resources.SqlConnector\nattributes: {name: x, dialect: postgresql, host: h,"
        " database: d, pasword: hunter2canary}\n"
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever Dagster wraps it in
        load(*GOOD, document)
    told, error = [], caught.value
    while error is not None:
        told.append(str(error))
        error = error.__cause__ or error.__context__
    assert any("pasword" in text for text in told)
    assert not any("hunter2canary" in text for text in told)
