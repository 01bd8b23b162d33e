"""`waybill import`: a task made, worked on, looked at, mended, stopped and deleted."""

import csv
import io
import json
import shutil

import pytest
from typer.testing import CliRunner

from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from resources.stores.uploads import UploadStore
from tests.assets.collections.tasks.conftest import bench, definitions

__all__ = ["bench", "definitions"]


@pytest.fixture
def waybill(bench):
    def command(*arguments: str, code: int = 0, answer: str = ""):
        context = CommandContext(bench.place.location, bench.place.instance)
        result = CliRunner().invoke(app, ["import", *arguments], obj=context, input=answer)
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    return command


def test_files_of_this_machine(bench, waybill, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "note.txt").write_text(f"Note {folder}.")
    files = [str(tmp_path / folder / "note.txt") for folder in ("a", "b")]
    made = json.loads(waybill("create", *files, "--into", "docs", "--name", "Notes", "--json"))
    assert (made["state"], made["via"], made["total"]) == ("not_started", "cli", None)
    for folder in ("a", "b"):
        (tmp_path / folder / "note.txt").unlink()  # the task has them
    told = waybill("start", "1")
    assert "Completed" in told
    assert "2/2" in told
    names = {row["urls"][0] for row in bench.rows()}
    assert names == {"upload:/note.txt", "upload:/note (2).txt"}  # read side by side
    assert "Notes" in waybill("list", "--status", "completed", "--search", "NOT")
    assert "Notes" not in waybill("list", "--status", "stopped")
    assert "already" not in waybill("show", "1", "--follow")


def test_with_a_task_the_last_of_its_uploads_goes(bench, waybill, tmp_path):
    def kept():
        folders = (tmp_path / "uploads", tmp_path / "import-uploads")
        return [one for folder in folders for one in folder.rglob("*") if one.is_file()]

    (tmp_path / "note.txt").write_text("Note.")
    note = str(tmp_path / "note.txt")
    waybill("create", note, "--into", "nothing", code=2)  # no task was made of it
    assert kept() == []
    waybill("create", note, "--into", "docs")
    assert len(kept()) == 1
    waybill("delete", "1", "--yes")
    assert kept() == []


def test_what_failed_is_told_mended_and_taken_once_more(bench, waybill, tmp_path):
    bench.put("2024/fine.txt", "Fine.")
    bench.put("2024/bad.txt", "")
    made = waybill("create", "--into", "docs", "--from", "lake", "--path", "**", "--field", "year=path:/(\\d{4})/", "--start", "--json")  # fmt: skip
    assert json.loads(made)["failed"] == 1
    [row] = csv.DictReader(io.StringIO(waybill("failures", "1")))
    assert (row["name"], row["rule"]) == ("2024/bad.txt", "empty")
    waybill("failures", "1", "-o", str(tmp_path / "failed.csv"))
    assert "empty" in (tmp_path / "failed.csv").read_text()
    told = waybill("failures", "1", "-o", str(tmp_path / "nowhere" / "failed.csv"), code=1)
    assert "cannot be written" in told
    bench.put("2024/bad.txt", "Mended.")
    assert "2/2" in waybill("retry", "1")
    assert [row["meta_year"] for row in bench.rows()] == [2024, 2024]
    assert "done" in waybill("items", "1", "--limit", "1")
    told = waybill("retry", "1", code=1)
    assert "no item failed" in told


def test_several_at_once_and_the_question_before_the_end(bench, waybill):
    for _ in range(2):
        bench.make("*")
    told = waybill("stop", "1", "9", code=1)
    assert "1: import task 1" in told
    assert "no import task 9" in told
    waybill("delete", "1", "2", code=1, answer="n\n")
    assert json.loads(waybill("list", "--json"))["counts"]["all"] == 2
    assert "gone" in waybill("delete", "1", "2", "--yes")
    assert json.loads(waybill("list", "--json"))["counts"]["all"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "one of them"),
        (["--from", "lake", "--path", "*", "--url", "https://a.org"], "one of them"),
        (["--url", "http://a.org/"], "does not begin with https://"),
        (["--from", "lake", "--path", "*", "--field", "year"], "no import task"),
        (["--from", "pond", "--path", "*"], "none of its connectors"),
    ],
)
def test_what_cannot_be_is_told(waybill, given, said):
    assert said in waybill("create", "--into", "docs", *given, code=1)


def test_the_closed_list(waybill):
    assert ".docx" in waybill("formats")
    assert json.loads(waybill("formats", "--json"))["max_files"] == 13_000


@pytest.mark.parametrize("is_done", [False, True])
def test_no_bytes_of_a_deleted_task_are_left(bench, waybill, tmp_path, is_done):
    mine, shared = b"Only ever in this file: 4711.", b"Somebody else handed this in: 4712."
    (tmp_path / "given").mkdir()
    (tmp_path / "given/mine.txt").write_bytes(mine)
    (tmp_path / "given/shared.txt").write_bytes(shared)
    others = UploadStore.open().stage(tmp_path / "given/shared.txt", limit=1_000)
    files = [str(tmp_path / "given" / name) for name in ("mine.txt", "shared.txt")]
    waybill("create", *files, "--into", "docs", *(["--start"] if is_done else []))
    shutil.rmtree(tmp_path / "given")
    assert holding(tmp_path, mine)  # the task has it
    waybill("delete", "1", "--yes")
    assert holding(tmp_path, mine) == []
    assert holding(tmp_path, shared) == [tmp_path / "uploads" / others.sha256]


def test_nothing_stays_of_files_of_which_no_task_came(bench, waybill, tmp_path):
    (tmp_path / "note.txt").write_bytes(b"Nobody takes this: 4713.")
    given = str(tmp_path / "note.txt")
    waybill("create", given, "--into", "nowhere", code=2)
    waybill("create", given, str(tmp_path / "missing.txt"), "--into", "docs", code=1)
    assert holding(tmp_path, b"Nobody takes this: 4713.") == [tmp_path / "note.txt"]


def holding(folder, data):
    """Files that are these bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == data]
