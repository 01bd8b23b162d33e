"""`waybill dataset drift` on a small project: as a table and as JSON, by what is declared, against what is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import materialize, project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Datasource
attributes: {name: files, connector: lake, path: orders.csv}
---
type: assets.Dataset
attributes:
  name: orders
  datasource: files
  drift: {columns: {price: {method: ks, threshold: 0.4}}}
"""
Run = Callable[..., Result]


def rows(cents: int, town: str) -> str:
    few = "new" if cents > 50 else "old"
    lines = [f"{n},{n % 7}.{cents:02},{town if n % 3 else 'Rome'},{few}{n % 5}" for n in range(300)]
    return "\n".join(["id,price,town,many", *lines, ""])


@pytest.fixture
def waybill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `waybill dataset ...` on a project whose dataset has two versions."""
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    (tmp_path / "lake").mkdir()
    with project(YAML) as definitions, dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(Location(definitions), instance)

        def run(*arguments: str, code: int = 0) -> Result:
            found = CliRunner().invoke(app, ("dataset", *arguments), obj=context)
            assert found.exit_code == code, (found.output, found.exception)
            return found

        for cents, town in ((25, "Oslo"), (75, "Łódź")):
            (tmp_path / "lake" / "orders.csv").write_text(rows(cents, town))
            materialize(definitions, "datasets/orders", instance=instance)
        yield run


def test_columns_are_told_with_method_and_threshold(waybill: Run) -> None:
    shown = waybill("drift", "orders").stdout
    assert "2 of 4 columns have drifted from version 1: many (Jensen-Shannon" in shown
    lines = [line.split() for line in shown.splitlines()]
    town = next(line for line in lines if line[:1] == ["town"])
    assert town[1:3] == ["drifted", "jensen_shannon"]
    assert town[-4:-2] == ["Łódź", "(200)"]
    price = next(line for line in lines if line[:1] == ["price"])
    assert price[1:6] == ["no", "drift", "ks", "0.143", "0.4"]


def test_json_has_the_whole_answer_and_a_column_can_be_asked_for_alone(waybill: Run) -> None:
    found = json.loads(waybill("drift", "orders", "--json").stdout)
    assert (found["state"], found["drifted"], found["compared"]) == ("drifted", 2, 4)
    assert (found["reference"]["version"], found["current"]["version"]) == (1, 2)
    alone = json.loads(waybill("drift", "orders", "--column", "price", "--json").stdout)
    (price,) = alone["columns"]
    assert (alone["state"], price["method"], price["threshold"]) == ("stable", "ks", 0.4)
    assert sum(price["bins"]["current"]) == 300


def test_a_line_names_few_categories_and_json_all(waybill: Run) -> None:
    towns = json.loads(waybill("drift", "orders", "--column", "many", "--json").stdout)
    assert len(towns["columns"][0]["new"]) == 5
    (line,) = [x for x in waybill("drift", "orders").stdout.splitlines() if x.startswith("many")]
    assert "new0 (60), new1 (60), new2 (60), 2 more" in line


def test_what_is_compared_with_is_chosen(waybill: Run) -> None:
    waybill("tag", "orders", "train", "--version", "2")
    same = waybill("drift", "orders", "--against", "tag:train").stdout
    assert "None of 4 columns has drifted from version 2 (train)" in same
    back = json.loads(
        waybill("drift", "orders", "--version", "1", "--against", "2", "--json").stdout
    )
    assert (back["current"]["version"], back["drifted"]) == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--against", "tag:gone"), 2, "has no tag 'gone'"),
        (("--version", "1"), 2, "There is no version of orders before version 1"),
        (("--against", "branch:main"), 1, "Give previous, tag:NAME"),
        (("--column", "nope"), 2, "not both versions have a column 'nope'"),
    ],
)
def test_what_cannot_be_compared_is_an_error(
    waybill: Run, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = waybill("drift", "orders", *arguments, code=code)
    assert said in answer.stderr
