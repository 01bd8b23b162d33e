"""`waybill classification` from outside: check, apply, undo, show, download, template, history (F112, F130-F137)."""

import csv
import gc
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.classifications.schema import ParseOptions
from orchestration.cli.context import CommandContext
from orchestration.cli.main import app
from orchestration.location import Location
from tests.project import project

YAML = """
type: assets.ClassificationSet
attributes:
  name: products
  description: What we sell
  columns: [{name: Brand}, {name: Size, type: integer}, {name: Tags, type: "list[string]"}]
---
type: assets.ClassificationSet
attributes: {name: empty, columns: [{name: Only}]}
---
type: assets.ClassificationSet
attributes: {name: small, columns: [{name: Only}], max_bytes: 20}
---
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.ClassificationSet
attributes:
  name: watched
  columns: [{name: Brand}]
  max_bytes: 100
  files: {connector: lake, path: "in/*"}
"""
FIRST = 'Key,Brand,Size,Tags\nsku-1,Cedar,1,"a,b"\nsku-2,Oak,,\nsku-3,,,\n'
BAD = 'Key,Brand,Size\nsku-1,"two\nlines",x\n,Oak,1\nsku-2,Oak\n'


def at_home(folder, patch):
    patch.setenv("WAYBILL_HOME", str(folder / "home"))
    patch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
    for name in ("WAYBILL_CATALOG_URL", "WAYBILL_STORE"):
        patch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    at_home(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module")
def definitions():
    """One project; each test has a home of its own."""
    with project(YAML) as loaded:
        yield loaded


@contextmanager
def commands(definitions):
    with dg.DagsterInstance.ephemeral() as instance:
        context = CommandContext(Location(definitions), instance)

        def run(command, *arguments, name="products", code=0):
            chosen = [] if command == "list" or name is None else ["--set", name]
            result = CliRunner().invoke(
                app, ["classification", command, *map(str, arguments), *chosen], obj=context
            )
            assert result.exit_code == code, (result.output, result.exception)
            return result

        run.instance = instance
        run.job = definitions.resolve_job_def("apply_products")
        yield run


@pytest.fixture
def waybill(folder, definitions):
    with commands(definitions) as run:
        yield run


@pytest.fixture(scope="module")
def filled(tmp_path_factory, definitions):
    """A home where the set holds FIRST, for those that only look."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "a.csv").write_text(FIRST)
    with pytest.MonkeyPatch.context() as patch, commands(definitions) as run:
        at_home(folder, patch)
        run("apply", folder / "a.csv")
        yield run


@pytest.fixture
def put(folder):
    def written(text, name="a.csv"):
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def answer(result):
    return json.loads(result.stdout)


def download(waybill, *arguments, name="products"):
    return waybill("download", *arguments, name=name).stdout_bytes.decode()


def test_sets_are_listed_with_columns_and_keys(waybill, put):
    waybill("apply", put(FIRST))
    found = {s["name"]: s for s in answer(waybill("list", "--json"))}
    assert found["products"]["columns"] == [
        ["Brand", "text"],
        ["Size", "integer"],
        ["Tags", "list[string]"],
    ]
    assert (found["products"]["keys"], found["products"]["version"]) == (3, 1)
    assert (found["empty"]["keys"], found["empty"]["changed_at"]) == (0, None)
    assert "Tags (list[string])" in waybill("list").stdout


def test_an_output_takes_the_place_of_no_device_and_not_of_the_file_that_is_read(
    waybill, put, folder
):
    waybill("apply", put(FIRST))
    os.mkfifo(folder / "pipe.csv")
    bad = put(BAD, "bad.csv")
    (folder / "link.csv").symlink_to(bad)
    for report in (folder / "pipe.csv", bad, folder / "link.csv"):
        assert str(report) in waybill("check", bad, "--report", report, code=2).stderr
    waybill("download", "-o", folder / "pipe.csv", code=2)
    assert (folder / "pipe.csv").is_fifo()
    assert bad.read_text() == BAD


def test_a_check_tells_what_would_change_and_changes_nothing(waybill, put):
    waybill("apply", put(FIRST))
    text = (
        "Key,Brand,Size\nsku-1,Pine,\nsku-2,~empty~,\nsku-3,,~deletekey~\n"
        "sku-9,New,9\nsku-1,Fir,\nsku-2,~empty~,\n"
    )
    found = answer(waybill("check", put(text, "b.csv"), "--json"))
    assert list(found) == [
        "outcome",
        "error_count",
        "errors",
        "warning_count",
        "warnings",
        "changes",
        "preview",
    ]
    assert found["preview"] == [
        {"row": 4, "key": "sku-3", "values": None},
        {"row": 5, "key": "sku-9", "values": {"Brand": "New", "Size": 9, "Tags": None}},
        {"row": 6, "key": "sku-1", "values": {"Brand": "Fir", "Size": 1, "Tags": ["a", "b"]}},
        {"row": 7, "key": "sku-2", "values": {"Brand": None, "Size": None, "Tags": None}},
    ]
    assert (found["outcome"], found["errors"]) == ("applied", [])
    changes = found["changes"]
    counts = [changes[kind] for kind in ("new", "updated", "cleared", "deleted", "unchanged")]
    assert counts == [1, 1, 1, 1, 0]
    assert changes["examples"]["deleted"] == ["sku-3"]
    assert {"key": "sku-1", "column": "Brand", "before": "Cedar", "after": "Fir"} in changes[
        "values"
    ]
    assert (changes["lines"], changes["modified_lines"], changes["lines_without_effect"]) == (
        6,
        4,
        2,
    )
    superseded = [w["row"] for w in found["warnings"] if w["rule"] == "superseded"]
    assert superseded == [2, 3]  # F130: the earlier rows of a key, by number
    assert download(waybill) == FIRST
    assert len(answer(waybill("history", "--json"))) == 1
    shown = waybill("check", put(text, "b.csv")).stdout
    assert "new keys        1" in shown
    assert "row 2: " in shown


def test_a_bad_file_is_rejected_with_every_error_at_its_row(waybill, put):
    waybill("apply", put(FIRST))
    found = answer(waybill("check", put(BAD, "bad.csv"), "--json", code=1))
    assert found["outcome"] == "rejected"
    places = [(e["row"], e["rule"], e.get("column")) for e in found["errors"]]
    assert places == [  # F133: records are counted, not lines
        (2, "value_type_invalid", "Size"),
        (3, "key_empty", None),
        (4, "column_count_mismatch", None),
    ]
    assert set(found["errors"][0]) == {"row", "rule", "column", "message"}
    assert set(found["errors"][1]) == {"row", "rule", "message"}
    assert found["changes"]["new"] == 0
    assert "row 2, column Size: " in waybill("check", put(BAD, "bad.csv"), code=1).stdout

    done = waybill("apply", put(BAD, "bad.csv"), "--json", code=1)
    assert answer(done)["outcome"] == "rejected"
    assert [e["row"] for e in answer(done)["errors"]] == [2, 3, 4]
    assert "3 errors; nothing was applied" in done.stderr
    assert download(waybill) == FIRST


def test_an_apply_is_a_run_that_the_instance_knows(waybill, put):
    done = answer(waybill("apply", put(FIRST), "--author", "ada", "--json"))
    assert (done["outcome"], done["version"], done["counts"]["new"]) == ("applied", 1, 3)
    run = waybill.instance.get_run_by_id(done["run_id"])
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.tags["waybill/classification_set"] == "products"
    assert run.tags["waybill/author"] == "ada"
    assert "Cedar" not in json.dumps(run.run_config)
    [record] = waybill.instance.fetch_materializations(
        dg.AssetKey(["datasets", "products"]), limit=1
    ).records
    assert record.asset_materialization.metadata["file"].value == "a.csv"


def test_history_tells_of_every_file_and_of_runs_without_an_end(waybill, put):
    waybill("apply", put(FIRST), "--author", "ada")
    waybill("apply", put(BAD, "bad.csv"), "--author", "bob", code=1)
    waybill("apply", put(FIRST, "again.csv"), "--author", "ada")
    waybill("undo", "--version", 0, "--author", "eve")
    lines = answer(waybill("history", "--json"))
    seen = [
        (
            h["file"],
            h["state"],
            h["author"],
            h["version"],
            h["lines"],
            h["modified_lines"],
            h["lines_without_effect"],
        )
        for h in lines
    ]
    assert seen == [
        ("back to version 0", "applied", "eve", 2, None, None, None),
        ("again.csv", "applied", "ada", 1, 3, 0, 3),
        ("bad.csv", "rejected", "bob", 1, None, None, None),
        ("a.csv", "applied", "ada", 1, 3, 3, 0),
    ]
    assert [h["kind"] for h in lines] == ["undo", "file", "file", "file"]
    assert lines[2]["counts"] == {"errors": 3}
    assert lines[2]["reason"] == "row 2: value_type_invalid and 2 more"
    assert len(lines[3]["sha256"]) == 64
    waybill.instance.create_run_for_job(
        waybill.job,
        status=dg.DagsterRunStatus.STARTED,
        tags={"waybill/classification_set": "products", "waybill/classification_file": "slow.csv"},
    )
    newest = answer(waybill("history", "--json"))[0]
    assert (newest["file"], newest["state"], newest["version"]) == ("slow.csv", "processing", None)
    shown = waybill("history").stdout
    assert "row 2: value_type_invalid" in shown
    assert "bad.csv" in shown
    assert "rejected" in shown


def test_an_undo_brings_an_earlier_version_back(waybill, put):
    waybill("apply", put(FIRST))
    waybill("apply", put("Key,Brand\nsku-1,Pine\nsku-3,~deletekey~\nsku-4,New\n", "b.csv"))
    done = answer(waybill("undo", "--version", 1, "--json"))
    assert (done["version"], done["counts"]) == (3, {"new": 1, "updated": 1, "deleted": 1})
    assert download(waybill) == FIRST
    assert "versions 0 to 2" in waybill("undo", "--version", 9, code=2).stderr
    assert "no file yet" in waybill("undo", "--version", 0, name="empty", code=2).stderr


def test_a_key_is_shown_or_said_to_be_missing(filled):
    assert answer(filled("show", "sku-1", "--json")) == {
        "key": "sku-1",
        "values": {"Brand": "Cedar", "Size": 1, "Tags": ["a", "b"]},
    }
    assert "Cedar" in filled("show", "sku-1").stdout
    assert "has no key 'SKU-1'" in filled("show", "SKU-1", code=2).stderr


@pytest.mark.parametrize("file_format", ["csv", "tsv", "json"])
def test_a_download_loaded_again_changes_nothing(waybill, put, folder, file_format):
    odd = '{"key":"a\\tb","data":{"Brand":" \\"quoted\\",\\n~ ","Tags":["x","y z"]}}\n'
    waybill("apply", put(FIRST))
    waybill("apply", put(odd, "odd.json"))
    path = folder / f"out.{file_format}"
    waybill("download", "--format", file_format, "--output", path)
    done = answer(waybill("apply", path, "--json"))
    assert (done["version"], done["counts"]["modified_lines"]) == (2, 0)
    if file_format != "json":  # JSON names a key only with a value
        assert done["counts"]["lines"] == 4


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--key", "sku-2", "--key", "none"], ["sku-2"]),
        (["--key-regex", "[13]$"], ["sku-1", "sku-3"]),
        (["--where", "Brand=Oak"], ["sku-2"]),
        (["--where", "Tags=b"], ["sku-1"]),
        (["--where-regex", "Brand=^C", "--where", "Size=1"], ["sku-1"]),
        (["--classified"], ["sku-1", "sku-2"]),
        (["--unclassified"], ["sku-2", "sku-3"]),
        (["--without-values"], ["sku-3"]),
        (["--where", "Size="], ["sku-2", "sku-3"]),
        (["--where", "Size=1.0"], ["sku-1"]),
        (["--after", "sku-1", "--limit", "1"], ["sku-2"]),
        (["--limit", "2"], ["sku-1", "sku-2"]),
        (["--limit", "0"], []),
    ],
)
def test_a_download_takes_what_was_asked_for(filled, options, keys):
    lines = download(filled, *options).splitlines()
    assert lines[0] == "Key,Brand,Size,Tags"
    assert [line.partition(",")[0] for line in lines[1:]] == keys


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--where", "Colour=x"], 2, "unknown column 'Colour'"),
        (["--where", "Brand"], 2, "COLUMN=TEXT"),
        (["--where", "Brand=x", "--where", "Brand=y"], 2, "twice"),
        (["--key-regex", "("], 1, "regular expression"),
        (["--classified", "--unclassified"], 2, "exclude"),
        (["--limit", "-1"], 1, "not negative"),
        (["--where", "Size=big"], 1, "holds numbers"),
        (["--version", "7"], 2, "there is none"),
        (["--parts"], 2, "needs --output"),
        (["--format", "xml"], 2, "Known: json, csv, tsv"),
        (["--encoding", "utf16"], 2, "Known: utf8, latin1"),
    ],
)
def test_a_download_that_cannot_be_is_refused(filled, options, code, told):
    assert told in filled("download", *options, code=code).stderr


def test_encoding_and_list_delimiter_are_chosen_at_the_upload(waybill, put, folder):
    latin1 = put("Key,Brand,Tags\nsku-1,Café,x|y\n".encode("latin-1"), "l.csv")
    found = answer(waybill("check", latin1, "--json", code=1))
    assert found["errors"][0]["rule"] == "file_encoding_invalid"
    choice = ["--encoding", "latin1", "--list-delimiter", "|"]
    values = answer(waybill("check", latin1, *choice, "--json"))["changes"]
    assert values["new"] == 1
    waybill("apply", latin1, *choice)
    assert answer(waybill("show", "sku-1", "--json"))["values"]["Tags"] == ["x", "y"]
    out = folder / "back.csv"
    waybill("download", "--encoding", "latin1", "--list-delimiter", "|", "--output", out)
    assert out.read_bytes().decode("latin-1") == "Key,Brand,Size,Tags\nsku-1,Café,,x|y\n"
    assert "Known: utf8, latin1" in waybill("check", latin1, "--encoding", "x", code=2).stderr
    assert "list delimiter" in waybill("apply", latin1, "--list-delimiter", "+", code=2).stderr


def test_a_value_that_an_encoding_lacks_leaves_the_older_file_alone(waybill, put, folder):
    waybill("apply", put("Key,Brand\nsku-1,🙂\n"))
    out = put("what was there", "out.csv")
    waybill("download", "--encoding", "latin1", "--output", out, code=1)
    assert out.read_text() == "what was there"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("file_format", "header"),
    [("csv", "Key,Brand,Size,Tags\n"), ("tsv", "Key\tBrand\tSize\tTags\n")],
)
def test_a_template_filled_is_a_file(waybill, folder, file_format, header):
    out = folder / f"t.{file_format}"
    waybill("template", "--format", file_format, "--output", out)
    assert out.read_text() == header
    delimiter = header[3]
    out.write_text(header + delimiter.join(["sku-1", "Cedar", "1", "a"]) + "\n")
    assert answer(waybill("apply", out, "--json"))["counts"]["new"] == 1
    assert "has no header" in waybill("template", "--format", "json", code=1).stderr


def test_an_unknown_set_or_file_is_named(waybill, put, folder):
    assert "Known: empty, products" in waybill("check", put(FIRST), name="product", code=2).stderr
    # 1 would say that the file was looked at and rejected (L8)
    assert "cannot be read" in waybill("check", folder / "none.csv", code=2).stderr
    assert "cannot be read" in waybill("apply", folder / "none.csv", code=2).stderr
    assert "one of them" in waybill("check", code=2).stderr
    found = answer(waybill("check", put("{}", "a.jsonl"), "--json", code=1))
    assert [e["rule"] for e in found["errors"]] == ["file_format_invalid"]


def test_a_settled_column_cannot_change(waybill, put, folder):
    waybill("apply", put(FIRST))
    with project(
        YAML.replace("{name: Brand}, {name: Size, type: integer}", "{name: Size, type: float}")
    ) as changed:
        context = CommandContext(Location(changed), waybill.instance)
        for command in (["check", str(put(FIRST))], ["apply", str(put(FIRST))], ["download"]):
            result = CliRunner().invoke(
                app, ["classification", *command, "--set", "products"], obj=context
            )
            assert result.exit_code == (1 if command == ["download"] else 2)
            assert "removed 'Brand' and changed 'Size' from integer to float" in result.stderr
        listed = CliRunner().invoke(app, ["classification", "list"], obj=context).stdout
        assert "products takes no file" in listed  # L11


def test_the_commands_run_as_a_program(folder, put):
    """The project's own code location declares no set: the command says so, in a process of its own."""
    waybill = Path(sys.executable).with_name("waybill")
    environment = {**os.environ, "WAYBILL_HOME": str(folder / "home")}
    result = subprocess.run(
        [waybill, "classification", "check", put(FIRST), "--set", "nothing", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: unknown classification set 'nothing'")


def test_a_check_shows_keys_and_values_that_change_f134(waybill, put):
    waybill("apply", put(FIRST))
    text = "Key,Brand\nsku-1,Pine\nsku-2,~deletekey~\nsku-9,New\n"
    shown = waybill("check", put(text, "b.csv")).stdout
    assert "new: sku-9\n" in shown
    assert "deleted: sku-2\n" in shown
    assert ["sku-1", "Brand", "Cedar", "Pine"] in [line.split() for line in shown.splitlines()]


def test_blank_cells_clear_where_an_upload_says_so(waybill, put):
    waybill("apply", put(FIRST))
    text = put("Key,Brand,Size\nsku-1,,2\n", "b.csv")
    kept = answer(waybill("check", text, "--json"))["changes"]
    cleared = answer(waybill("check", text, "--blank-clears", "--json"))["changes"]
    assert (kept["cleared"], cleared["cleared"]) == (0, 1)
    waybill("apply", text, "--blank-clears")
    assert answer(waybill("show", "sku-1", "--json"))["values"]["Brand"] is None
    assert answer(waybill("history", "--json"))[0]["details"]["blank_clears"] is True


def test_a_file_above_the_limit_is_in_the_history_and_nowhere_else_f115(waybill, put, folder):
    file = put("Key,Only\na,123456789012\n", "big.csv")
    result = waybill("apply", file, name="small", code=1)
    assert "file_too_large" in result.stdout
    [line] = answer(waybill("history", "--json", name="small"))
    assert (line["state"], line["file"], line["size_bytes"]) == ("rejected", "big.csv", 24)
    assert line["details"]["errors"][0]["rule"] == "file_too_large"
    assert not (folder / "home" / "uploads").exists()
    assert waybill.instance.get_runs_count() == 0


def test_lists_that_end_before_their_end_say_so(waybill, put):
    rows = "".join("a,x\n" for _ in range(10_002))
    file = put("Key,Brand\n" + rows)
    found = answer(waybill("check", file, "--json"))
    assert (len(found["warnings"]), found["complete"]) == (10_000, False)
    assert ["warnings", "10,001"] in [
        line.split() for line in waybill("check", file).stdout.splitlines()
    ]


def test_a_download_that_ends_early_leaves_nothing_open(filled, recwarn, capsys):
    assert "RE2" in filled("download", "--key-regex", "(?=x)", code=1).stderr
    assert download(filled, "--limit", "1").count("\n") == 2
    gc.collect()
    assert "Exception ignored" not in capsys.readouterr().err
    assert not [w for w in recwarn if "Unraisable" in str(w.category)]


def test_history_is_asked_for_by_set_state_time_and_file(waybill, put):
    waybill("apply", put(FIRST, "first.csv"))
    waybill("apply", put(BAD, "bad_1%.csv"), code=1)
    waybill("apply", put("Key,Only\na,x\n", "other.csv"), name="empty")

    def files(*arguments, name=None):
        return [h["file"] for h in answer(waybill("history", *arguments, "--json", name=name))]

    assert files() == ["other.csv", "bad_1%.csv", "first.csv"]
    assert files(name="products") == ["bad_1%.csv", "first.csv"]
    assert files("--state", "rejected", "--state", "failed") == ["bad_1%.csv"]
    assert files("--state", "queued") == []
    assert files("--file", "_1%") == ["bad_1%.csv"]
    assert files("--file", "%st") == []
    assert files("--limit", 2) == ["other.csv", "bad_1%.csv"]
    assert files("--since", "2020-01-01") == files("--until", "2999-01-01T00:00") == files()
    assert files("--since", "2999-01-01") == files("--until", "2020-01-01") == []
    assert "Known: applied" in waybill("history", "--state", "done", name=None, code=2).stderr
    assert "products" in waybill("history", name=None).stdout


def test_errors_are_found_again_and_all_of_them_in_a_report(waybill, put, folder, monkeypatch):
    fixed = ParseOptions.__init__.__kwdefaults__
    assert fixed["max_problems"] == 100_000
    monkeypatch.setitem(fixed, "max_problems", 1_000)
    bad = put("Key,Size\n" + "a,x\n" * 1_000 + "b\n" * 10, "many.csv")
    done = answer(waybill("apply", bad, "--json", code=1))
    assert (done["counts"]["errors"], len(done["errors"])) == (1_010, 100)
    assert "1,010 errors" in waybill("apply", bad, code=1).stderr

    kept = answer(waybill("errors", "--file", "many", "--json"))
    assert (kept["error_count"], len(kept["errors"])) == (1_010, 100)
    assert kept["errors"][0]["row"] == 2
    assert kept["run_id"] == answer(waybill("errors", "--run", kept["run_id"], "--json"))["run_id"]
    assert "row 2, column Size" in waybill("errors").stdout
    assert "has rejected no file 'x.csv'" in waybill("errors", "--file", "x.csv", code=2).stderr

    found = answer(waybill("check", bad, "--json", code=1))
    assert (found["error_count"], len(found["errors"]), found["complete"]) == (1_010, 1_000, False)
    reports = [folder / "all.csv", folder / "all.json"]
    for report in reports:
        waybill("check", bad, "--report", report, code=1)
    with reports[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1_010
    assert (rows[-1]["row"], rows[-1]["rule"]) == ("1011", "column_count_mismatch")
    listed = json.loads(reports[1].read_text())
    assert (len(listed), listed[0]["column"]) == (1_010, "Size")
    assert "a .csv or a .json" in waybill("check", bad, "--report", folder / "a.txt", code=2).stderr


def test_a_report_of_a_good_or_refused_file_has_nothing_else_in_it(waybill, put, folder):
    report = folder / "report.json"
    waybill("check", put(FIRST), "--report", report)
    assert json.loads(report.read_text()) == []
    late = (
        b"Key,Size\n" + b"a,%s\n" % (b"x" * 100) * 28_000 + b"b,\xe9\n"
    )  # found wrong in its third piece
    waybill("check", put(late, "late.csv"), "--report", report, code=1)
    assert [e["rule"] for e in json.loads(report.read_text())] == ["file_encoding_invalid"]
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_an_earlier_version_is_shown_and_downloaded(waybill, put):
    waybill("apply", put(FIRST))
    waybill("apply", put("Key,Brand\nsku-1,Pine\nsku-2,~deletekey~\nsku-9,New\n", "b.csv"))
    assert download(waybill, "--version", 1) == FIRST
    assert download(waybill, "--version", 0) == "Key,Brand,Size,Tags\n"
    assert download(waybill, "--version", 2) == download(waybill)
    assert (
        download(waybill, "--version", 1, "--key", "sku-2") == "Key,Brand,Size,Tags\nsku-2,Oak,,\n"
    )
    was = answer(waybill("show", "sku-1", "--version", 1, "--json"))
    assert was["values"]["Brand"] == "Cedar"
    assert "has no key 'sku-9'" in waybill("show", "sku-9", "--version", 1, code=2).stderr
    assert '["a", "b"]' in waybill("show", "sku-1").stdout


def test_a_download_in_parts_is_taken_back_part_by_part(waybill, put, folder):
    for start in range(0, 12, 2):
        rows = f"Key,Only\n{start:02},x\n{start + 1:02},y\n"
        waybill("apply", put(rows, "a.csv"), name="small", code=1 if len(rows) > 20 else 0)
    out = folder / "out.csv"
    waybill("download", "--output", out, "--parts", name="small")
    parts = sorted(folder.glob("out-*.csv"))
    assert [p.name for p in parts] == [
        "out-001.csv",
        "out-002.csv",
        "out-003.csv",
        "out-004.csv",
        "out-005.csv",
        "out-006.csv",
    ]
    for part in parts:
        done = answer(waybill("apply", part, "--json", name="small"))
        assert done["counts"]["modified_lines"] == 0
    whole = waybill("download", "--output", out, name="small")
    assert "--parts divides it" in whole.stderr
    assert out.read_text() == "Key,Only\n" + "".join(p.read_text()[9:] for p in parts)


@pytest.mark.parametrize("name", ["UTF8", "utf-8", "ISO-8859-1", "latin1"])
def test_an_encoding_has_the_names_that_it_has_in_json(filled, tmp_path, name):
    out = tmp_path / "t.csv"
    filled("template", "--encoding", name, "--output", out)
    filled("check", out, "--encoding", name)
    assert out.read_text() == "Key,Brand,Size,Tags\n"
    assert download(filled, "--encoding", name) == FIRST


def test_values_are_seen_before_they_are_applied(waybill, put):
    shown = waybill(
        "check", put("Key,Brand,Tags\nsku-1,Café Ølstykke,a\n"), "--encoding", "latin1"
    ).stdout
    assert "CafÃ©" in shown
    assert "misread_text" in shown
    assert ["2", "sku-1", "Cedar", "null", '["a",', '"b"]'] in [
        line.split()
        for line in waybill(
            "check", put('Key,Brand,Tags\nsku-1,Cedar,"a, b"\n')
        ).stdout.splitlines()
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_output_that_is_full_is_one_line():
    code = """
import typer
from orchestration.cli.classification_files import _write_to_terminal

def command() -> None:
    _write_to_terminal(iter([(0, b"x")]))

typer.run(command)
"""
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.stderr == "error: the output cannot be written: No space left on device\n"
    assert result.returncode == 1


def test_a_file_in_the_watched_place_is_checked_there(waybill, put, folder):
    inbox = folder / "home" / "lake" / "in"
    inbox.mkdir(parents=True)
    (inbox / "bad.csv").write_text("Key,Brand\n,x\n,y\n")
    (inbox / "big.csv").write_text("Key,Brand\n" + "a,x\n" * 100)
    report = folder / "errors.csv"
    asked = ["check", "--object", "in/bad.csv", "--report", report, "--json"]
    found = answer(waybill(*asked, name="watched", code=1))
    assert [(e["row"], e["rule"]) for e in found["errors"]] == [(2, "key_empty"), (3, "key_empty")]
    assert len(report.read_text().splitlines()) == 3
    big = answer(waybill("check", "--object", "in/big.csv", "--json", name="watched", code=1))
    assert [e["rule"] for e in big["errors"]] == ["file_too_large"]
    assert (
        "in/none.csv" in waybill("check", "--object", "in/none.csv", name="watched", code=2).stderr
    )
    assert "watches no place" in waybill("check", "--object", "in/bad.csv", code=2).stderr
    assert (
        "one of them"
        in waybill("check", put(FIRST), "--object", "x", name="watched", code=2).stderr
    )
