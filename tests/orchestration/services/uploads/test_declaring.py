"""The declaration that an upload writes: whole, never over another, and nothing in it that YAML would take for more."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from orchestration.services.uploads.declaring import declaration, declare_upload
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import ConfigError, ConflictError, StorageError
from resources.project import find_project
from tests.faults import count_steps, failing_at, kill_at

HOSTILE = [
    "a: b",
    "- x",
    "'",
    '"',
    "# x",
    "!!python/object:os.system",
    "&a *a",
    "yes",
    "null",
    "\n---\ntype: x",
    "é",
]


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop" / "defs").mkdir(parents=True)
    return replace(find_project(), root=tmp_path, package="shop", defs_module="shop.defs")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_comes_back_as_it_was(text):
    settings = UploadSettings("csv", "", {"null_values": [text]}, {text: f"{text}2"})
    settings.spec("sales")
    (document,) = yaml.safe_load_all(declaration("sales", settings))
    assert document["attributes"]["options"] == {"null_values": [text]}
    assert document["attributes"]["rename"] == {text: f"{text}2"}


@pytest.mark.parametrize(
    "settings",
    [
        UploadSettings(rename={"a": "{{ env.SECRET }}"}),
        UploadSettings(rename={"{{ env.SECRET }}": "a"}),
        UploadSettings("csv", options={"null_values": ["{{ env('SECRET') }}"]}),
        UploadSettings(member="{{ env.SECRET }}"),
    ],
)
def test_no_template_gets_in(settings):
    with pytest.raises(ConfigError, match="taken for a template"):
        settings.spec("sales")


@pytest.mark.kill
def test_killed_at_every_step_a_declaration_is_whole_or_not_there(shop):
    steps = [(os, "link"), (os, "fsync"), (Path, "mkdir"), (os, "unlink")]
    (shop.defs_folder / "uploads").mkdir()
    names = count_steps(lambda: declare_upload(shop, "traced", UploadSettings()) and None, steps)
    assert len(names) >= 8
    for step in range(len(names)):
        name = f"sales_{step}"
        assert kill_at(
            lambda one=name: declare_upload(shop, one, UploadSettings()), steps, step
        ).killed
        target = shop.defs_folder / "uploads" / name / "defs.yaml"
        if target.exists():
            assert target.read_text() == declaration(name, UploadSettings())
        declare_upload(shop, name, UploadSettings())
        visible = [path.name for path in target.parent.iterdir() if not path.name.startswith(".")]
        assert visible == ["defs.yaml"]


def test_another_declaration_stays_and_the_same_one_is_fine(shop):
    target = declare_upload(shop, "sales", UploadSettings())
    declare_upload(shop, "sales", UploadSettings())
    with pytest.raises(ConflictError, match="declares something else"):
        declare_upload(shop, "sales", UploadSettings("csv"))
    assert target.read_text() == declaration("sales", UploadSettings())


def test_a_file_above_is_told_with_what_to_write_by_hand(shop):
    (shop.defs_folder / "defs.yaml").write_text("type: x")
    with pytest.raises(ConfigError, match=r"keeps files below it.*type: assets.Dataset"):
        declare_upload(shop, "sales", UploadSettings())
    assert not (shop.defs_folder / "uploads").exists()


def test_a_read_only_project_is_not_written_to(shop, monkeypatch):
    monkeypatch.setenv("WAYBILL_READ_ONLY", "1")
    with pytest.raises(ConfigError, match="read-only"):
        declare_upload(shop, "sales", UploadSettings())
    assert list(shop.defs_folder.iterdir()) == []


def test_a_full_disk_leaves_nothing(shop):
    error = OSError(28, "No space left on device")
    with failing_at([(os, "fsync")], 0, error), pytest.raises(StorageError, match="No space"):
        declare_upload(shop, "sales", UploadSettings())
    with contextlib.suppress(FileNotFoundError):
        assert list((shop.defs_folder / "uploads" / "sales").iterdir()) == []
