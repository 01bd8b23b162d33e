"""`waybill schema`: keys of files beside keys of commands, changes told before they are made, and what no longer fits."""

import json

import dagster as dg
import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import project

YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.MetadataSchema
attributes:
  name: site
  description: What a photo has
  keys: [{name: lux, type: number}]
---
type: assets.Collection
attributes: {name: photos, connectors: [lake], metadata_schema: site, probe: never}
"""


@pytest.fixture(scope="module")
def definitions():
    with project(YAML) as found:
        yield found


@pytest.fixture
def waybill(definitions, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def command(*arguments, code=0):
            context = CommandContext(Location(definitions), instance)
            result = CliRunner().invoke(app, arguments, obj=context)
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        yield command


@pytest.fixture
def filled(waybill, tmp_path):
    """Five items, as `photos` holds them."""
    values = [{"lux": 1, "phase": "roof"}, {"phase": "base"}, {"phase": 7}, {"taken": "2026-01-01"}]
    items = [
        {"objectUrl": f"s3://b/{n}.png", "clientMetadata": one} for n, one in enumerate(values)
    ]
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"images": items, "skip_duplicate_urls": True}))
    waybill("collection", "import", str(path), "--collection", "photos")
    return path


def test_a_change_says_what_no_longer_fits_and_filters_follow(waybill, filled):
    told = waybill("schema", "add-enum", "site", "phase", "roof", "base", "--dry-run")
    assert "1 of 3 stored values do not fit" in told
    assert "nothing was changed" in told
    assert "phase" not in waybill("schema", "show", "site")
    waybill("schema", "add-enum", "site", "phase", "roof", "base")
    found = waybill("collection", "items", "photos", "--filter", "phase = roof", "--json")
    assert [one["urls"] for one in json.loads(found)["items"]] == [["s3://b/0.png"]]
    verified = json.loads(waybill("schema", "verify", "site", "--json", code=1))
    assert verified == [{"key": "phase", "type": "enum", "misfits": {"photos": 1}}]
    # The next import checks by it, and leaves it in place: no file declares it.
    text = filled.read_text()
    filled.write_text(text.replace('"phase": "base"', '"phase": "garden"'))
    refused = waybill("collection", "check-spec", str(filled), "--collection", "photos", code=1)
    assert "enum_value_unknown" in refused
    waybill("collection", "import", str(filled), "--collection", "photos", code=1)
    assert "phase" in waybill("schema", "show", "site")


def test_keys_are_retyped_deleted_and_restored(waybill, filled):
    waybill("schema", "add-scalar", "site", "taken", "string")
    assert "All 1 stored values fit" in waybill("schema", "add-scalar", "site", "taken", "datetime")
    waybill("schema", "add-enum", "site", "phase", "roof")
    waybill("schema", "add-enum-options", "site", "phase", "base")
    waybill("schema", "add-embedding", "site", "vec", "8")
    waybill("schema", "add-geospatial", "site", "place")
    assert "no longer checked" in waybill("schema", "delete-key", "site", "phase")
    waybill("schema", "restore-key", "site", "phase")
    gone = waybill("schema", "delete-key", "site", "taken", "--hard", "--yes")
    assert "1 stored values are no longer checked" in gone
    told = waybill("schema", "add-scalar", "site", "taken", "number", code=1)
    assert "never used again" in told
    printed = yaml.safe_load(waybill("schema", "print", "site"))
    assert printed["type"] == "assets.MetadataSchema"
    assert [key["name"] for key in printed["attributes"]["keys"]] == [
        *("lux", "phase", "place", "vec"),
    ]
    history = json.loads(waybill("schema", "history", "site", "--json"))
    assert history[0]["change"] == "delete_key taken for good"
    assert [one["revision"] for one in history] == list(range(len(history), 0, -1))
    [line] = json.loads(waybill("schema", "list", "--json"))
    assert (line["name"], line["collections"], line["keys"]) == ("site", ["photos"], 4)


def test_what_a_file_declares_is_changed_in_it_and_one_editor_changes_at_a_time(waybill, filled):
    told = waybill("schema", "add-scalar", "site", "lux", "text", code=1)
    assert "is declared in" in told
    assert "Change it there" in told
    revision = json.loads(waybill("schema", "show", "site", "--json"))["revision"]
    waybill("schema", "add-scalar", "site", "one", "text", "--revision", str(revision))
    late = ("schema", "add-scalar", "site", "two", "text", "--revision", str(revision))
    assert "it was changed meanwhile" in waybill(*late, code=1)
    waybill("schema", "add-scalar", "other", "one", "text", code=2)
    assert "keyframes" in waybill("schema", "add-scalar", "site", "keyframes", "text", code=1)
