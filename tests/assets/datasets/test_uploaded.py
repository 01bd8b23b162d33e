"""Datasets of uploaded files: the same road as a data source's, with what people do to files on the way."""

import gzip
import io
import re
import zipfile
from pathlib import Path

import dagster as dg
import pytest

from resources.kernel.errors import WaybillError
from resources.sources.uploads import UPLOAD_TAG
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.tables import TableStore
from tests.project import materialize, project

KEY = ("datasets", "sales")
DECLARED = """
type: assets.Dataset
attributes: {name: sales, upload: true}
---
type: assets.Dataset
attributes:
  name: prices
  upload: true
  format: csv
  options: {separator: ";", decimal_mark: ","}
  rename: {Preis: price}
  keep_uploads: 0
"""


@pytest.fixture(scope="module")
def shared_project():
    with project(DECLARED) as loaded:
        yield loaded


@pytest.fixture
def definitions(shared_project, tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    return shared_project


@pytest.fixture
def store(tmp_path):
    return TableStore.open(str(tmp_path / "store"))


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def upload(store, tmp_path):
    """Keeps files as an upload; its number."""

    def keep(dataset: str, *files: tuple[str, bytes]) -> int:
        given = []
        for position, (name, data) in enumerate(files):
            path = tmp_path / f"given-{position}"
            path.write_bytes(data)
            given.append(GivenFile(name, path))
        uploads = KeptUploads(store)
        done = len(uploads.all(dataset))
        return uploads.keep(dataset, given, upload_id=f"upload-{done}", by="ada").number

    return keep


def rows(store, name: str = "sales") -> list[dict]:
    return store.read(("datasets", name)).to_table().to_pylist()


def failure(result: dg.ExecuteInProcessResult) -> str:
    (event, *_) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.user_failure_data.description


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return out.getvalue()


def test_rows_come_in_typed_and_the_ui_says_which_file_by_whom(
    definitions, instance, store, upload
):
    upload("sales", ("day.csv.gz", gzip.compress(b"id,amount\n1,2.50\n2,10.25\n")))
    materialize(definitions, "datasets/sales", instance=instance)
    assert rows(store) == [{"id": 1, "amount": 2.5}, {"id": 2, "amount": 10.25}]
    (kept,) = KeptUploads(store).all("sales")
    metadata = instance.get_latest_materialization_event(
        dg.AssetKey(KEY)
    ).asset_materialization.metadata
    shown = {name: metadata[name].value for name in ("file", "sha256", "file size", "uploaded by")}
    assert shown == {
        "file": "day.csv.gz",
        "sha256": kept.files[0].sha256,
        "file size": kept.size_bytes,
        "uploaded by": "ada",
    }
    properties = store.read(KEY).version.properties
    assert properties["origin"] == "upload"
    assert properties["source"]["files"][0]["name"] == "day.csv.gz"


def test_before_anything_was_uploaded_a_run_says_what_to_do(definitions, instance):
    result = materialize(definitions, "datasets/sales", instance=instance, raise_on_error=False)
    assert "nothing was uploaded yet. Upload a file: waybill dataset upload" in failure(result)


def test_a_second_upload_is_a_new_version_and_the_first_ones_bytes_go(
    definitions, instance, store, upload
):
    for text in (b"id\n1\n", b"id\n1\n2\n"):
        upload("sales", ("day.csv", text))
        materialize(definitions, "datasets/sales", instance=instance)
    assert [v.rows for v in store.item(KEY).versions()] == [1, 2]
    uploads = KeptUploads(store)
    assert [(u.number, uploads.has_bytes(u)) for u in uploads.all("sales")] == [
        (2, True),
        (1, False),
    ]


def of_upload(definitions, instance, number: int) -> dg.ExecuteInProcessResult:
    return materialize(
        definitions,
        "datasets/sales",
        instance=instance,
        raise_on_error=False,
        tags={UPLOAD_TAG: str(number)},
    )


def test_uploads_that_wait_for_their_runs_become_a_version_each(
    definitions, instance, store, upload
):
    first, second = (upload("sales", ("day.csv", text)) for text in (b"id\n1\n", b"id\n1\n2\n"))
    assert all(of_upload(definitions, instance, number).success for number in (first, second))
    made = store.item(KEY).versions()
    assert [(v.properties["source"]["upload"], v.rows) for v in made] == [(first, 1), (second, 2)]


def test_an_upload_that_cannot_be_read_does_not_take_the_place_of_the_one_before(
    definitions, instance, store, upload
):
    good = upload("sales", ("good.csv", b"id,amount\n1,2\n"))
    bad = upload("sales", ("bad.csv", b"id,amount\n1,2\n3\n"))
    assert of_upload(definitions, instance, good).success
    assert "bad.csv, line 3" in failure(of_upload(definitions, instance, bad))
    assert rows(store) == [{"id": 1, "amount": 2}]


def test_a_run_that_comes_late_puts_nothing_older_on_top(definitions, instance, store, upload):
    first, second = (upload("sales", ("day.csv", text)) for text in (b"id\n1\n", b"id\n2\n"))
    assert all(of_upload(definitions, instance, number).success for number in (second, first))
    assert [v.properties["source"]["upload"] for v in store.item(KEY).versions()] == [second]
    assert rows(store) == [{"id": 2}]


def test_the_same_bytes_again_change_nothing(definitions, instance, store, upload):
    for _ in range(2):
        upload("sales", ("day.csv", b"id\n1\n"))
        materialize(definitions, "datasets/sales", instance=instance)
    assert [v.number for v in store.item(KEY).versions()] == [1]


def test_an_upload_that_cannot_be_read_leaves_the_old_version_and_stays_to_be_looked_at(
    definitions, instance, store, upload
):
    upload("sales", ("good.csv", b"id,amount\n1,2\n"))
    materialize(definitions, "datasets/sales", instance=instance)
    number = upload("sales", ("bad.csv", b"id,amount\n1,2\n3\n"))
    result = materialize(definitions, "datasets/sales", instance=instance, raise_on_error=False)
    assert "bad.csv, line 3" in failure(result)
    assert rows(store) == [{"id": 1, "amount": 2}]
    uploads = KeptUploads(store)
    assert all(uploads.has_bytes(one) for one in uploads.all("sales"))
    newest = uploads.newest("sales")
    assert newest.number == number
    with uploads.local_file(newest, "bad.csv") as path:
        assert path.read_bytes() == b"id,amount\n1,2\n3\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sales", {"Ware": "a", "Preis": 1234.5}), ("prices", {"Ware": "a", "price": 1234.5})],
    ids=["detected", "given"],
)
def test_semicolons_and_decimal_commas_both_ways(
    definitions, instance, store, upload, name, expected
):
    text = "Ware;Preis\na;1234,5\nb;0,125\n"
    upload(name, ("preise.csv", text.encode()))
    materialize(definitions, f"datasets/{name}", instance=instance)
    assert rows(store, name)[0] == expected


def test_with_keep_uploads_0_the_bytes_go_once_imported(definitions, instance, store, upload):
    upload("prices", ("preise.csv", b"Ware;Preis\na;1,5\n"))
    materialize(definitions, "datasets/prices", instance=instance)
    uploads = KeptUploads(store)
    assert not uploads.has_bytes(uploads.newest("prices"))
    result = materialize(definitions, "datasets/prices", instance=instance)
    assert result.success  # nothing new was uploaded: the version stands


def test_several_files_of_one_name_are_one_table(definitions, instance, store, upload):
    upload("sales", ("a.csv", b"id\n1\n"), ("a.csv", b"id\n2\n"))
    materialize(definitions, "datasets/sales", instance=instance)
    assert sorted(row["id"] for row in rows(store)) == [1, 2]
    assert [file.name for file in KeptUploads(store).newest("sales").files] == [
        "a.csv",
        "a (2).csv",
    ]


def test_a_name_is_never_a_path(definitions, instance, store, upload, tmp_path):
    name = "../../<img src=x>\x1b[31m.csv"
    upload("sales", (name, b"id\n1\n"))
    materialize(definitions, "datasets/sales", instance=instance)
    stored = [path.name for path in (tmp_path / "store" / "uploads").rglob("*") if path.is_file()]
    assert sorted(stored) == ["00000000000000000001.json", "file-00000"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("two.zip", zipped(a="id\n1\n", b="id\n2\n"), r"holds 2 files: .*a.csv.*member:"),
        ("page.csv", b"<!DOCTYPE html><html><body>Sign in", r"a web page"),
        ("x.parquet", b"PAR1" + b"\xff" * 64 + b"PAR1", r"x.parquet"),
        ("x.xlsx", b"id\n1\n", r"x.xlsx"),
        ("x.pdf", b"%PDF-1.4", r"does not tell the format"),
    ],
    ids=["two members", "web page", "broken Parquet", "text as workbook", "unknown ending"],
)
def test_what_cannot_be_a_table_is_told_by_name(
    definitions, instance, store, upload, name, data, message
):
    upload("sales", (name, data))
    result = materialize(definitions, "datasets/sales", instance=instance, raise_on_error=False)
    assert re.search(message, failure(result)), failure(result)
    assert store.item(KEY).numbers() == []


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("name: x", "names neither of `datasource` and `upload`"),
        ("name: x, upload: true, datasource: y", "names both of `datasource` and `upload`"),
        ("name: x, datasource: y, format: csv", "'format' is for uploaded files"),
        ("name: x, datasource: y, keep_uploads: 2", "'keep_uploads' is for uploaded files"),
        ("name: x, upload: true, options: {separator: ';'}", "options need a format"),
        ("name: x, upload: true, format: csv, options: {sep: ';'}", "'sep' is not an option"),
        ("name: x, upload: true, rename: {a: c, b: c}", "two columns would be called 'c'"),
        ("name: x, upload: true, refresh: '0 3 * * *'", "not by a cron"),
    ],
)
def test_contradictions_are_told_with_their_line(attributes, message):
    text = f"type: assets.Dataset\nattributes: {{{attributes}}}\n"
    with pytest.raises(WaybillError, match=re.escape(message)) as caught, project(text):
        pass
    assert re.search(r"defs.yaml:\d", str(caught.value))


def test_an_uploaded_dataset_has_no_automation(definitions):
    """It would be made as soon as it is declared, before its first upload is there."""
    (spec,) = [s for s in definitions.resolve_all_asset_specs() if s.key == dg.AssetKey(KEY)]
    assert spec.automation_condition is None
    assert not spec.deps
    assert Path(spec.metadata["dagster/code_references"].code_references[0].file_path).is_file()
