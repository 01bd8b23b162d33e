"""The step that docs/imports.md shows for transcription, as it stands there: it works, and its dataset follows the collection."""

import re
from pathlib import Path

import dagster as dg
import pytest

from orchestration.location import Location
from orchestration.services.home import open_home
from orchestration.services.runs.start import Asked
from orchestration.services.runs.workplace import Workplace
from tests.assets.collections.tasks.conftest import Bench
from tests.assets.collections.tasks.test_media import png, wav
from tests.project import materialize, project

ROOT = Path(__file__).parents[4]
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.Collection
attributes: {name: library, connectors: [lake]}
"""
TRANSCRIBE = """

def transcribe(path):
    return f"{path.stat().st_size} bytes of sound"
"""


@pytest.fixture
def shown_step(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "lake").mkdir()
    page = (ROOT / "docs" / "imports.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    with (
        project(YAML, python=block + TRANSCRIBE) as definitions,
        dg.instance_for_test(temp_dir=str(tmp_path)) as instance,
    ):
        bench = Bench(
            Workplace(open_home(), Location(definitions), instance, Asked("ada")), tmp_path
        )
        yield bench, definitions, instance


def test_the_step_that_is_shown_writes_a_dataset_of_kept_sounds(shown_step):
    bench, definitions, instance = shown_step
    bench.run(bench.uploads(**{"talk.wav": wav(), "photo.png": png(9)}), into="library")
    bench.put("elsewhere.wav", wav() + b"\0\0")
    bench.run("elsewhere.wav", into="library")  # its bytes are not kept
    materialize(definitions, "datasets/transcripts", instance=instance)
    [row] = bench.rows("transcripts")
    assert (row["title"], row["text"]) == ("talk.wav", f"{len(wav())} bytes of sound")
    [talk] = [item for item in bench.rows("library") if item["title"] == "talk.wav"]
    assert row["item"] == talk["id"]
