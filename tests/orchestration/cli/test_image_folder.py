"""`waybill image-folder`: from a ZIP of this machine to images, and back to a ZIP; in a project that knows nothing of it."""

import io
import json
import sys
import zipfile
from dataclasses import replace

import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.services.image_folders.content import download_images
from resources.kernel.errors import IntegrityError
from resources.project import _AT_HAND, find_project
from resources.stores.tables import TableStore
from tests.assets.image_folders.zips import JPEG, PNG, zipped
from tests.own_project import own_project

OTHERS = """
type: assets.Dataset
attributes: {name: prices, upload: true}
"""
WIDE = """
type: assets.SqlTransform
attributes:
  name: wide_photos
  sql: SELECT path, size_bytes FROM photos WHERE width > 50
"""
IMAGES = {"b.png": PNG, "Köln/a.jpg": JPEG, "Köln/again.png": PNG}


@pytest.fixture
def waybill(tmp_path, monkeypatch):
    folder = tmp_path / "orchestration"
    defs = own_project(monkeypatch, folder, {"others/defs.yaml": OTHERS})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(_AT_HAND, "project", replace(find_project(), root=tmp_path))

    def command(*arguments, code=0):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    command.defs, command.store = defs, TableStore.open(str(folder / "home" / "store"))
    return command


@pytest.fixture
def photos(tmp_path):
    path = tmp_path / "My Photos.zip"
    path.write_bytes(zipped({**IMAGES, "__MACOSX/._b.png": b"x"}))
    return path


def test_a_zip_becomes_an_image_folder_that_is_declared_listed_and_downloaded(waybill, photos, tmp_path):  # fmt: skip
    assert "--name my_photos" in waybill("image-folder", "upload", photos, code=2)
    assert "upload 1 of photos" in waybill("image-folder", "upload", photos, "--name", "photos")
    written = waybill.defs / "uploads" / "photos" / "defs.yaml"
    assert yaml.safe_load(written.read_text()) == {
        "type": "assets.ImageFolder",
        "attributes": {"name": "photos"},
    }
    (line,) = json.loads(waybill("image-folder", "list", "--json"))
    assert (line["name"], line["status"], line["images"]) == ("photos", "ready", 3)
    shown = json.loads(waybill("image-folder", "show", "photos", "--json"))
    assert (shown["file"], shown["summary"]["duplicates"]) == ("My Photos.zip", 1)
    assert "photos" not in {d["name"] for d in json.loads(waybill("dataset", "list", "--json"))}
    (found,) = json.loads(waybill("image-folder", "files", "photos", "--json", "--search", "A.JPG"))
    assert (found["path"], found["width"], found["height"]) == ("Köln/a.jpg", 60, 40)
    detail = json.loads(waybill("image-folder", "file", "photos", "b.png", "--json"))
    assert detail["twins"] == ["Köln/again.png"]

    target = tmp_path / "back.zip"
    waybill("image-folder", "download", "photos", "-o", target)
    with zipfile.ZipFile(target) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == IMAGES
    again = tmp_path / "again.zip"
    waybill("image-folder", "download", "photos", "-o", again)
    assert again.read_bytes() == target.read_bytes()
    waybill("image-folder", "image", "photos", "Köln/a.jpg", "-o", tmp_path / "one.jpg")
    assert (tmp_path / "one.jpg").read_bytes() == JPEG


def test_sql_reads_its_table_and_no_exporter_takes_it(waybill, photos):
    waybill("image-folder", "upload", photos, "--name", "photos")
    found = json.loads(
        waybill("query", "run", "SELECT path FROM photos WHERE width > 50", "--json")
    )
    assert found["rows"] == [["Köln/a.jpg"]]
    (waybill.defs / "wide").mkdir()
    (waybill.defs / "wide" / "defs.yaml").write_text(WIDE)
    waybill("refresh", "wide_photos")
    rows = waybill.store.read(("datasets", "wide_photos")).to_table().to_pylist()
    assert rows == [{"path": "Köln/a.jpg", "size_bytes": len(JPEG)}]
    assert "unknown dataset 'photos'" in waybill("dataset", "show", "photos", code=2)


def test_a_second_zip_is_the_next_version_and_a_refused_one_leaves_it(waybill, photos):
    waybill("image-folder", "upload", photos, "--name", "photos")
    photos.write_bytes(zipped({"new.png": PNG}))
    answer = json.loads(waybill("image-folder", "upload", photos, "--name", "photos", "--json"))
    assert answer["made"] == [{"key": "datasets/photos", "rows": 1, "version": 2}]
    photos.write_bytes(zipped({"new.png": PNG, "notes.txt": b"words", "x/run.exe": b"MZ" + bytes(90)}))  # fmt: skip
    told = waybill("image-folder", "upload", photos, "--name", "photos", code=1)
    assert "'notes.txt': no image but text/plain" in " ".join(told.split())
    assert "x/run.exe" in told
    (line,) = json.loads(waybill("image-folder", "list", "--json"))
    assert (line["status"], line["version"], line["images"]) == ("failed", 2, 1)
    assert "notes.txt" in line["reason"]
    assert "Köln/a.jpg" in waybill("image-folder", "files", "photos", "--version", "1")


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("photos", b"no ZIP", "is no ZIP"),
        ("prices", zipped({"a.png": PNG}), "is a dataset already"),
        ("My Photos", zipped({"a.png": PNG}), "cannot name an image folder"),
    ],
)
def test_what_cannot_be_taken_is_told_before_anything_is_kept(waybill, photos, name, data, told):
    photos.write_bytes(data)
    code = 1 if "no ZIP" in told else 2
    assert told in waybill("image-folder", "upload", photos, "--name", name, code=code)
    assert not (waybill.defs / "uploads").exists()


def test_the_name_of_an_image_folder_is_no_dataset_s(waybill, photos, tmp_path):
    waybill("image-folder", "upload", photos, "--name", "photos")
    table = tmp_path / "a.csv"
    table.write_text("a\n1\n")
    told = waybill("dataset", "upload", table, "--name", "photos", code=2)
    assert "'photos' is an image folder" in told


def test_a_title_is_given_and_all_of_it_is_removed(waybill, photos, monkeypatch):
    waybill("image-folder", "upload", photos, "--name", "photos")
    waybill("image-folder", "rename", "photos", "--title", "Holiday")
    (line,) = json.loads(waybill("image-folder", "list", "--json"))
    assert (line["name"], line["title"]) == ("photos", "Holiday")
    assert "give --yes" in waybill("image-folder", "remove", "photos", code=2)
    (waybill.defs / "wide").mkdir()
    (waybill.defs / "wide" / "defs.yaml").write_text(WIDE)
    assert "wide_photos" in waybill("image-folder", "remove", "photos", "--yes", code=2)
    (waybill.defs / "wide" / "defs.yaml").unlink()
    waybill("image-folder", "remove", "photos", "--yes")
    assert json.loads(waybill("image-folder", "list", "--json")) == []
    assert not (waybill.defs / "uploads" / "photos" / "defs.yaml").exists()
    assert waybill.store.item(("datasets", "photos")).latest() is None
    monkeypatch.setenv("WAYBILL_READ_ONLY", "1")
    told = waybill("image-folder", "upload", photos, "--name", "other", code=2)
    assert "is not declared, and the project is read-only" in told
    assert waybill.store.item(("uploads", "other")).latest() is None


def test_a_damaged_image_is_not_given_out(waybill, photos, tmp_path):
    waybill("image-folder", "upload", photos, "--name", "photos")
    objects = tmp_path / "orchestration" / "home" / "store" / "media" / "objects"
    damaged = max(objects.glob("*/*"), key=lambda path: path.stat().st_size)
    damaged.chmod(0o600)
    damaged.write_bytes(bytes(damaged.stat().st_size))
    target = tmp_path / "back.zip"
    result = CliRunner().invoke(app, ["image-folder", "download", "photos", "-o", str(target)])
    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert not target.exists()
    pieces = []
    with pytest.raises(IntegrityError):
        pieces.extend(download_images(waybill.store, ("datasets", "photos")).chunks)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
