"""Mistakes in a project: one line each with its place, and what does not depend on them is loaded."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from importlib import import_module

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.loading.problems import refuse
from orchestration.loading.project import Project, load_project
from orchestration.loading.tolerance import with_problems
from orchestration.location import Location
from resources.kernel.errors import ConfigError
from resources.kernel.keys import SHARED_RESOURCES
from resources.references import asset_specs

LAKE = "type: resources.FolderConnector\nattributes: {name: lake, root: lake}\n"
FILES = "type: assets.Datasource\nattributes: {name: files, connector: lake, path: '*.csv'}\n"
ORDERS = "type: assets.Dataset\nattributes: {name: orders, datasource: files}\n"
GOOD = f"{LAKE}---\n{FILES}---\n{ORDERS}"
TRANSFORM = "type: assets.SqlTransform\nattributes:\n  name: {name}\n  sql: {sql}\n"


@contextmanager
def loaded(tmp_path, files: dict[str, str]):
    """What comes of a project of these files."""
    package = f"loaded_{abs(hash(tmp_path))}"
    for name, text in {"__init__.py": "", **files}.items():
        path = tmp_path / package / "defs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys.path.insert(0, str(tmp_path))
    try:
        yield load_project(import_module(f"{package}.defs"), tmp_path, provided=SHARED_RESOURCES)
    finally:
        sys.path.remove(str(tmp_path))
        for module in [m for m in sys.modules if m.startswith(package)]:
            del sys.modules[module]


LOADED = {"datasources/files", "datasets/orders", "datasets/orders/profile"}
"""What `GOOD` declares."""


def keys(project: Project) -> set[str]:
    """Assets that were loaded."""
    return {s.key.to_user_string() for s in asset_specs(project.definitions)}


def told(project: Project) -> list[str]:
    """The problems, paths from `defs/`."""
    return [re.sub(r"[^\s(]*/defs/", "", str(p)) for p in project.problems]


MISTAKES = [
    ("type: assets.Dataset\nattributes:\n  name: x\n  datasource: files\n  keep_versions: many\n",
     ["bad/defs.yaml:5: keep_versions: a text stands where a number is due. Give a number, without quotes"]),
    ("type: assets.Dataset\nattributes:\n  name: x\n  datasource: files\n  drift: {share: all}\n",
     ["bad/defs.yaml:5: drift: a text stands where a number is due. Give a number, without quotes"]),
    ("type: assets.Dataset\nattributes:\n  name: x\n  datasource: files\n  drift: previous\n",
     ["bad/defs.yaml:5: drift: it has to hold names and values. Known: against, columns, ignore"]),
    ("type: assets.Dataset\nattributes:\n  name: x\n  datasource: files\n  checks:\n    - expect_column_to_exst: {column: a}\n",
     ["bad/defs.yaml:6: checks: unknown expectation 'expect_column_to_exst'. Did you mean 'expect_column_to_exist'?"]),
    ("type: orchestration.Pipeline\nattributes:\n  name: x\n  assets: [datasets/orders]\n  schedule: {cron: hourly}\n",
     ["bad/defs.yaml:5: schedule.cron: 'hourly' is not a cron. Five fields, for instance '0 3 * * *' (each day at three)"]),
    ("type: assets.Dataset\nattributes:\n  name: x\n  datasorce: files\n",
     ["bad/defs.yaml:4: unknown field 'datasorce'. Did you mean 'datasource'? Known: name, datasource, upload"]),
    ("type: assets.Transform\nattributes: {}\n", ["bad/defs.yaml:1: unknown type 'assets.Transform'"]),
    ("type: assets.Dataset\nname: x\nattributes:\n  datasource: files\n",
     ["bad/defs.yaml:2: unknown field 'name'. Indent it below `attributes:`"]),
    ("type: assets.DataSet\nattributes: {name: x, datasource: files}\n",
     ["bad/defs.yaml:1: unknown type 'assets.DataSet'. Did you mean 'assets.Dataset'? Known: assets.ClassificationSet"]),
    ("type: nobody.Thing\nattributes: {}\n", ["bad/defs.yaml:1: unknown type 'nobody.Thing'"]),
    ("", ["bad/defs.yaml:1: the file declares nothing"]),
    ("- a\n- b\n", ["bad/defs.yaml:1: this is no component"]),
    ("type: assets.Exporter\nattributes:\n  name: x\n  dataset: orders\n  connector: lake\n  table: t\n  mode: replace\n",
     ["bad/defs.yaml:7: mode: it has to be 'overwrite', 'timestamp', 'append' or 'safe'"]),
    ("type: resources.SqlConnector\nattributes:\n  name: x\n  dialect: postgres\n",
     ["bad/defs.yaml:4: dialect: it has to be "]),
    ("type: assets.Datasource\nattributes:\n  name: x\n  connector: lake\n  path: 2024\n",
     ["bad/defs.yaml:5: path has to be a text. Put it in quotes"]),
    ("type: assets.ClassificationSet\nattributes:\n  name: x\n  columns:\n    - name: a\n      type: string\n",
     ["bad/defs.yaml:5: Unknown value 'string' for column 'a'. Known: text, integer, float, list[string]"]),
    ("type: orchestration.Pipeline\nattributes:\n  name: x\n  assets: [datasets/orders]\n  schedule:\n    chron: 0 3 * * *\n",
     ["bad/defs.yaml:5: 'schedule.cron' is missing",
      "bad/defs.yaml:6: unknown field 'chron' in 'schedule.chron'. Did you mean 'cron'? Known: cron, timezone"]),
    ("type: assets.Model\nattributes:\n  name: x\n  dataset: orders\n  target: a\n  seed: many\n",
     ["bad/defs.yaml:6: seed: it has to be a valid integer"]),
    (TRANSFORM.format(name="x", sql="select * from orders where a = (1 * )"),
     ["bad/defs.yaml:4: transform x: the SQL cannot be read: near "]),
    ("type: assets.Dataset\nattributes:\n  name: orders\n  datasource: files\n",
     ["bad/defs.yaml:3: two datasets are named 'orders': bad/defs.yaml:3, good/defs.yaml:8"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[e[0][:60] for _, e in MISTAKES])
def test_a_mistake_is_a_line_with_its_place_and_the_rest_is_loaded(text, expected, tmp_path):
    with loaded(tmp_path, {"good/defs.yaml": GOOD, "bad/defs.yaml": text}) as project:
        found = told(project)
        assert [f.startswith(e) for f, e in zip(found, expected, strict=False)] == [True] * len(
            expected
        ), found
        if "two datasets" not in expected[0]:
            assert keys(project) == LOADED
        with pytest.raises(Exception, match=r"bad/defs\.yaml"):
            refuse(project.problems)


@pytest.mark.parametrize("name", ["My Data", "a-b"])
def test_a_datasource_that_was_left_out_is_not_looked_for(name, tmp_path):
    bad = f"type: assets.Datasource\nattributes: {{name: {name}, connector: lake, path: a.csv}}\n"
    with loaded(tmp_path, {"a/defs.yaml": GOOD, "b/defs.yaml": bad}) as project:
        assert told(project)[0].startswith(f"b/defs.yaml:2: {name!r} cannot name a data source")
        whole = build_defs(loaded=with_problems(project))
        assert list(Location(whole).datasources()) == ["files"]
        checked = {key.asset_key for key in whole.resolve_asset_graph().asset_check_keys}
        assert dg.AssetKey(["datasources", name]) not in checked


def test_what_needs_a_bad_file_is_left_out_with_the_reason_and_the_rest_builds(tmp_path):
    files = {
        "a/defs.yaml": GOOD,
        "b/defs.yaml": "type: assets.Dataset\nattributes: {name: broken, datasorce: files}\n",
        "c/defs.yaml": TRANSFORM.format(name="t1", sql="select * from broken"),
        "d/defs.yaml": TRANSFORM.format(name="t2", sql="select * from t1"),
        "e/defs.yaml": "type: orchestration.Pipeline\nattributes: {name: nightly, assets: [datasets/t2]}\n",
        "f/defs.yaml": "type: orchestration.Pipeline\nattributes: {name: daily, assets: [datasets/orders]}\n",
        "g.py": "import dagster as dg\n@dg.asset(deps=[dg.AssetKey(['datasets', 't2'])])\ndef report(): ...\n",
    }
    with loaded(tmp_path, files) as project:
        assert keys(project) == LOADED
        left = [line for line in told(project) if "left out" in line]
        assert [line.split(":")[0] for line in left] == [
            "c/defs.yaml",
            "d/defs.yaml",
            "e/defs.yaml",
            "g.py",
        ]
        assert "since dataset 'broken' has an error (" in left[0]
        whole = build_defs(loaded=with_problems(project))
        repository = whole.get_repository_def()
        assert "daily" in repository.job_names
        assert "nightly" not in repository.job_names
        shown = [s for s in whole.resolve_all_asset_specs() if s.group_name == "problems"]
        assert ["problems", "b", "defs.yaml"] in [list(s.key.path) for s in shown]
        assert any("unknown field" in (s.description or "") for s in shown)
        with pytest.raises(ConfigError) as caught:  # a single mistake is told by its own error
            refuse(project.problems)
    assert "left out" not in str(caught.value)


def test_a_broken_connector_takes_only_its_own_with_it(tmp_path):
    bad = "type: resources.SqlConnector\nattributes:\n  name: w\n  dialect: postgresql\n  password: hunter2canary\n"
    table = (
        "type: assets.Datasource\nattributes: {name: t, connector: w, table: t}\n---\n"
        "type: assets.Dataset\nattributes: {name: t, datasource: t}\n"
    )
    with loaded(
        tmp_path, {"a/defs.yaml": GOOD, "b/defs.yaml": bad, "c/defs.yaml": table}
    ) as project:
        assert keys(project) == LOADED
        assert "hunter2canary" not in "".join(told(project))
        build_defs(loaded=project.definitions).get_repository_def()


def test_a_circle_names_its_assets_and_their_files(tmp_path):
    files = {
        "good/defs.yaml": GOOD,
        "a/defs.yaml": TRANSFORM.format(name="one", sql="select * from two"),
        "b/defs.yaml": TRANSFORM.format(name="two", sql="select * from one"),
        "c/defs.yaml": TRANSFORM.format(name="three", sql="select * from two"),
    }
    with loaded(tmp_path, files) as project:
        (line,) = told(project)
        assert line.startswith(
            "a/defs.yaml:1: datasets are made in a circle: datasets/one -> datasets/two -> datasets/one"
        )
        assert "b/defs.yaml:1" in line
        assert keys(project) == LOADED


DRIFTING = (
    "type: resources.FolderConnector\nattributes: {{name: l, root: l}}\n---\n"
    "type: assets.Datasource\nattributes: {{name: d, connector: l, path: d.csv}}\n---\n"
    "type: assets.Dataset\nattributes: {{name: d, datasource: d, drift: {drift}}}\n"
)


def test_a_check_that_stops_what_it_compares_with_is_a_circle(tmp_path):
    files = {
        "good/defs.yaml": GOOD,
        "a/defs.yaml": DRIFTING.format(drift='{against: "dataset:one", severity: error}'),
        "b/defs.yaml": TRANSFORM.format(name="one", sql="select * from d"),
    }
    with loaded(tmp_path, files) as project:
        (line,) = told(project)
        assert "made in a circle: datasets/d/drift -> datasets/one -> datasets/d/drift" in line
        assert "a/defs.yaml:7" in line
        assert keys(project) == LOADED | {"datasources/d"}
        build_defs(loaded=project.definitions).get_repository_def()


def test_a_check_that_stops_nothing_may_compare_with_what_is_made_of_its_table(tmp_path):
    files = {
        "a/defs.yaml": DRIFTING.format(drift='{against: "dataset:one"}'),
        "b/defs.yaml": TRANSFORM.format(name="one", sql="select * from d"),
    }
    with loaded(tmp_path, files) as project:
        assert told(project) == []
        assert {"datasets/d", "datasets/one"} <= keys(project)
        build_defs(loaded=project.definitions).get_repository_def()


def test_a_dataset_to_compare_with_that_nothing_makes_leaves_the_others_alone(tmp_path):
    files = {"good/defs.yaml": GOOD, "a/defs.yaml": DRIFTING.format(drift='{against: "dataset:x"}')}
    with loaded(tmp_path, files) as project:
        (line,) = told(project)
        assert line.startswith("a/defs.yaml:7: unknown dataset 'x'")
        assert keys(project) == LOADED | {"datasources/d"}
        build_defs(loaded=project.definitions).get_repository_def()


PYTHON = [
    ("import dagster as dg\n@dg.asset(\n", r"p\.py:2: this is no Python: '\(' was never closed"),
    ("import no_such_package\n", r"p\.py:1: .*No module named 'no_such_package'"),
    ("import dagster as dg\n\n1 / 0\n", r"p\.py:3: ZeroDivisionError: division by zero"),
    ("import sys\n\nsys.exit(0)\n", r"p\.py:3: SystemExit: 0"),
    ("import dagster as dg\n\n@dg.asset(key_prefix='datasets')\ndef totals(orders): return orders\n",
     r"p\.py:3: takes its input '(datasets/)?orders' from an asset that does not exist\. Write ins=\{\"orders\": dg\.AssetIn\(key_prefix=\"datasets\"\)\} in its decorator"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("python", "expected"), PYTHON, ids=["syntax", "import", "raises", "ends", "input"]
)
def test_python_that_does_not_load_is_named_with_its_line(python, expected, tmp_path):
    with loaded(tmp_path, {"good/defs.yaml": GOOD, "p.py": python}) as project:
        (line,) = told(project)
        assert re.match(expected, line), line
        assert keys(project) == LOADED


def test_a_python_asset_without_its_prefix_is_named_where_somebody_looks_for_it(tmp_path):
    python = "import dagster as dg\n@dg.asset\ndef totals(): ...\n"
    files = {"p.py": python, "t/defs.yaml": TRANSFORM.format(name="x", sql="select * from totals")}
    with loaded(tmp_path, files) as project:
        (line,) = told(project)
        assert line.startswith(
            "t/defs.yaml:1: unknown dataset 'totals'. The asset 'totals' in p.py has no prefix"
        )


def test_files_that_nobody_reads_are_named_with_the_place_where_they_belong(tmp_path):
    files = {
        "shop/defs.yaml": GOOD,
        "shop/totals.py": "import dagster as dg\n",
        "shop/datasets.yaml": ORDERS,
        "shop/more/defs.yaml": ORDERS,
        "datasets.yml": ORDERS,
        "helped/defs.yaml": "type: .parts.Mine\n",
        "helped/__init__.py": "",
        "helped/parts.py": (
            "import dagster as dg\nclass Mine(dg.Component):\n"
            "    def build_defs(self, context):\n        return dg.Definitions()\n"
        ),
    }
    with loaded(tmp_path, files) as project:
        lines = told(project)
        assert all(p.is_warning for p in project.problems)
        assert [
            (line.split(":")[0], line.rsplit("Move it to ")[-1].rsplit("move it to ")[-1])
            for line in lines
        ] == [
            ("datasets.yml", "datasets/defs.yaml"),
            ("shop/datasets.yaml", "datasets/defs.yaml"),
            ("shop/more/defs.yaml", "more/defs.yaml"),
            ("shop/totals.py", "totals.py"),
        ]
        refuse(project.problems)  # warnings do not end a load


def test_a_missing_attribute_among_500_components_is_one_line(tmp_path):
    documents = [
        f"type: assets.SqlTransform\nattributes: {{name: t{n}, sql: select * from orders}}\n"
        for n in range(500)
    ]
    documents[250] = "type: assets.SqlTransform\nattributes: {sql: select * from orders}\n"
    with loaded(
        tmp_path, {"good/defs.yaml": GOOD, "many/defs.yaml": "---\n".join(documents)}
    ) as project:
        assert told(project) == ["many/defs.yaml:752: SqlTransform lacks 'name'"]
        assert len(keys(project)) == 1 + 2 * 500  # each dataset with its profile
        with pytest.raises(Exception, match="lacks 'name'") as caught:
            refuse(project.problems)
    assert len(str(caught.value).splitlines()) == 1


def test_what_dagster_offers_in_yaml_still_works(tmp_path):
    files = {
        "group/defs.yaml": (
            "type: dagster.DefsFolderComponent\npost_processing:\n  assets:\n"
            '    - target: "*"\n      attributes: {owners: ["team:shop"]}\n'
        ),
        "group/in/defs.yaml": GOOD,
        "own/__init__.py": "",
        "own/defs.yaml": (
            "type: assets.SqlTransform\ntemplate_vars_module: .values\nattributes:\n  name: t\n"
            "  sql: \"select '{{ code }}' as a from orders\"\n"
            'post_processing:\n  assets:\n    - target: "*"\n      attributes: {tags: {team: "1"}}\n'
        ),
        "own/values.py": "import dagster as dg\n@dg.template_var\ndef code(): return '007'\n",
    }
    with loaded(tmp_path, files) as project:
        assert told(project) == []
        specs = {s.key.to_user_string(): s for s in asset_specs(project.definitions)}
        assert specs["datasets/orders"].owners == ["team:shop"]
        assert specs["datasets/t"].tags["team"] == "1"
        assert isinstance(project.definitions, dg.Definitions)
