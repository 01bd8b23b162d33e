"""Definitions changed in a real project: what is written, what is refused and why, and that nothing is ever lost."""

import json
import os
import stat
from pathlib import Path

import pytest

from orchestration.services.definition_files import write as writing
from orchestration.services.definitions import saving
from orchestration.services.definitions.change import DefinitionChange
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    ForbiddenError,
    InputError,
    StorageError,
    UnknownNameError,
)
from tests.faults import Child, count_steps, kill_at, wait_until
from tests.orchestration.services.definitions.shop import LAKE, ORDERS, PYTHON, Shop

FILES = {"lake/defs.yaml": LAKE, "orders/defs.yaml": ORDERS, "written.py": PYTHON}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    return Shop(monkeypatch, tmp_path, FILES)


def refused(shop, error, *args, **given):
    """What is said; nothing is written."""
    before = shop.texts()
    with pytest.raises(error) as raised:
        shop.save(*args, **given)
    assert shop.texts() == before
    return raised.value


def test_a_new_definition_gets_a_file_of_its_own_that_loads(shop):
    texts = {
        "bucket": "b",
        "prefix": "raw/",
        "access_key": "LAKE_KEY",
        "secret_key": "SECRET",
        "requester_pays": "yes",
    }
    planned = shop.save("create", "connector", "s3_lake", type="s3", texts=texts, dry_run=True)
    assert "connectors/s3_lake/defs.yaml" not in shop.texts()
    done = shop.save("create", "connector", "s3_lake", type="s3", texts=texts)
    assert planned.diff == done.diff
    assert shop.texts()["connectors/s3_lake/defs.yaml"] == done.after == (
        "type: resources.S3Connector\nattributes:\n  name: s3_lake\n  bucket: b\n  prefix: raw/\n"
        "  requester_pays: true\n  access_key: {env: LAKE_KEY}\n  secret_key: {env: SECRET}\n"
    )  # fmt: skip
    assert shop.problems() == []
    assert stat.S_IMODE(Path(done.file).stat().st_mode) == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_every_noun_is_made_by_its_form(shop):
    made = [
        ("connector", "db", "postgresql", {"host": "h", "database": "d", "username": "u", "password": "P"}),
        ("datasource", "more", "", {"connector": "warehouse", "query": "select 1 as a\nwhere 1 = 1"}),
        ("dataset", "imported", "", {"datasource": "more", "checks": "- expect_column_to_exist: {column: a}"}),
        ("transform", "counted", "", {"sql": "select count(*) as n\nfrom imported"}),
        ("model", "learnt", "", {"dataset": "imported", "target": "a"}),
        ("prediction", "said", "", {"dataset": "imported", "model": "learnt"}),
        ("embedding", "near", "", {"dataset": "imported", "label": "a"}),
        ("exporter", "out", "", {"dataset": "imported", "connector": "warehouse", "table": "t"}),
        ("classification set", "products", "", {"columns": "- {name: Brand}"}),
        ("collection", "shots", "", {"connectors": "lake", "types": "image"}),
        ("pipeline", "nightly", "", {"export": "out", "schedule.cron": "0 3 * * *"}),
    ]  # fmt: skip
    for noun, name, kind, texts in made:
        assert shop.save("create", noun, name, type=kind, texts=texts).is_written
    assert shop.problems() == []
    texts = shop.texts()
    assert (
        "sql: |-\n    select count(*) as n\n    from imported\n"
        in (texts["transforms/counted/defs.yaml"])
    )
    assert "classification_sets/products/defs.yaml" in texts
    # In the reverse order all of them go again, with their folders.
    for noun, name, _, _ in reversed(made):
        shop.save("delete", noun, name)
    assert sorted(shop.texts()) == ["lake/defs.yaml", "orders/defs.yaml"]
    assert not (shop.defs / "transforms").exists()


def test_an_edit_changes_those_lines_only_and_keeps_the_files_permissions(shop):
    path = shop.defs / "orders" / "defs.yaml"
    path.chmod(0o640)
    done = shop.save(
        "edit", "dataset", "orders",
        texts={"refresh": "on_change", "tags": "{a: b}"}, unset=("keep_versions",),
    )  # fmt: skip
    assert path.read_text() == ORDERS.replace("manual\n", "on_change\n  tags: {a: b}\n")
    assert [line for line in done.diff.splitlines() if line[0] in "+-"][2:] == [
        "-  refresh: manual", "+  refresh: on_change", "+  tags: {a: b}",
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not [p for p in path.parent.iterdir() if p.name != "defs.yaml"]


def test_what_says_so_already_is_not_written(shop):
    done = shop.save("edit", "dataset", "orders", texts={"refresh": "manual"})
    assert not done.is_written
    assert done.diff == ""


def test_a_mistake_is_told_at_its_field_and_nothing_is_written(shop):
    half = {"bucket": "b", "access_key": "KEY"}
    error = refused(shop, InputError, "create", "connector", "s3_lake", type="s3", texts=half)
    assert list(error.facts["errors"]) == ["secret_key"]
    cases = [
        ("edit", "dataset", "orders", {"refresh": "never"}, "refresh", "is not a cron"),
        ("edit", "dataset", "orders", {"keep_versions": "0"}, "keep_versions", "greater than or equal to 1"),
        ("edit", "dataset", "orders", {"datasource": "nope"}, "datasource", "unknown data source 'nope'"),
        ("edit", "dataset", "orders", {"checks": "- expect_nothing: {}"}, "checks", "unknown expectation"),
        ("edit", "dataset", "orders", {"colour": "red"}, "colour", "takes no attribute of this name"),
        ("edit", "dataset", "orders", {"name": "other"}, "name", "a name stays"),
        ("edit", "connector", "warehouse", {"dialect": "duckdb"}, "dialect", "Make another one"),
        ("create", "dataset", "orders", {"datasource": "files"}, "name", "there is a dataset of this name at"),
        ("create", "dataset", "written", {"datasource": "files"}, "name", "in Python, at"),
        ("create", "dataset", "No!", {"datasource": "files"}, "name", "cannot name a dataset"),
        ("create", "dataset", "../up", {"datasource": "files"}, "name", "cannot name a dataset"),
        ("create", "datasource", "new", {"path": "x"}, "connector", "this is needed"),
        ("create", "transform", "new", {"sql": "select 1 from"}, "sql", ""),
        ("create", "exporter", "new", {"dataset": "orders", "connector": "lake", "table": "t"}, "connector", ""),
    ]  # fmt: skip
    for action, noun, name, texts, field, said in cases:
        error = refused(shop, InputError, action, noun, name, texts=texts)
        assert field in error.facts["errors"], (texts, error.facts)
        assert said in error.facts["errors"][field]


def test_what_else_breaks_by_it_is_named(shop):
    shop.save(
        "create", "exporter", "out", texts={"dataset": "orders", "connector": "warehouse", "table": "t"}
    )  # fmt: skip
    error = refused(shop, InputError, "create", "dataset", "warehouse_copy", texts={"datasource": "files", "refresh": "x y"})  # fmt: skip
    assert list(error.facts["errors"]) == ["refresh"]
    # An exporter writes tables: a folder in place of the database breaks it, and only it.
    edited = refused(shop, InputError, "edit", "datasource", "files", values={"connector": "warehouse"})  # fmt: skip
    assert set(edited.facts["errors"]) | set(edited.facts["problems"])


def test_problems_that_were_there_before_do_not_block(tmp_path, monkeypatch):
    broken = "type: assets.Dataset\nattributes: {name: bad, datasource: nobody, refresh: x}\n"
    shop = Shop(monkeypatch, tmp_path, {**FILES, "bad/defs.yaml": broken})
    assert len(shop.problems()) == 1
    assert shop.save("edit", "dataset", "orders", texts={"refresh": "on_change"}).is_written
    # What is broken can be mended a step at a time.
    assert shop.save("edit", "dataset", "bad", texts={"refresh": "manual"}).is_written
    assert shop.save("edit", "dataset", "bad", texts={"datasource": "files"}).is_written
    assert shop.problems() == []


def test_what_is_in_use_stays_with_the_names_of_its_users(shop):
    error = refused(shop, ConfigError, "delete", "connector", "lake")
    (user,) = error.facts["users"]
    assert user.startswith("Data source 'files' (")
    assert user.endswith("orders/defs.yaml:4)")
    assert "Dataset 'orders'" in str(refused(shop, ConfigError, "delete", "datasource", "files"))


def test_a_definition_goes_with_its_comments_and_the_others_stay(shop):
    shop.save("delete", "connector", "warehouse")
    assert shop.texts()["lake/defs.yaml"] == LAKE.partition("---\n")[0]


def test_python_and_other_nouns_are_told_apart(shop):
    error = refused(shop, ConfigError, "edit", "dataset", "written", texts={"refresh": "manual"})
    assert "defined in Python" in str(error)
    assert "written.py:4" in error.hint
    assert "no dataset but a connector" in str(refused(shop, ConfigError, "delete", "dataset", "lake"))  # fmt: skip
    refused(shop, UnknownNameError, "edit", "dataset", "nobody", texts={"refresh": "manual"})


def test_files_reached_by_links_and_outside_are_left_alone(shop, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    text = "type: resources.FolderConnector\nattributes: {name: far, root: far}\n"
    (outside / "defs.yaml").write_text(text)
    (shop.defs / "linked").symlink_to(outside)
    error = refused(shop, ConfigError, "edit", "connector", "far", texts={"root": "near"})
    assert "reached by a link" in str(error)
    (shop.defs / "datasources").symlink_to(outside)
    refused(
        shop, ConfigError, "create", "datasource", "x", texts={"connector": "lake", "path": "x"}
    )
    assert (outside / "defs.yaml").read_text() == text
    assert [p.name for p in outside.iterdir()] == ["defs.yaml"]


def test_a_file_that_stands_above_takes_the_definition(shop):
    above = shop.defs / "connectors" / "defs.yaml"
    above.parent.mkdir()
    above.write_text("type: resources.FolderConnector\nattributes: {name: one, root: one}\n")
    shop.save("create", "connector", "two", type="folder", texts={"root": "two"})
    assert above.read_text().endswith(
        "root: one}\n---\ntype: resources.FolderConnector\nattributes:\n  name: two\n  root: two\n"
    )
    (shop.defs / "datasets" / "three").mkdir(parents=True)
    (shop.defs / "datasets" / "three" / "own.py").write_text("")
    done = shop.save("create", "dataset", "three", texts={"datasource": "files"})
    assert done.file.endswith("datasets/three_2/defs.yaml")  # nobody's Python is hidden by it


def test_read_only_refuses_everything(shop, monkeypatch):
    monkeypatch.setenv("WAYBILL_READ_ONLY", "1")
    for action in ("create", "edit", "delete"):
        assert "read only" in str(refused(shop, ForbiddenError, action, "connector", "lake"))


def test_a_definition_that_changed_meanwhile_is_a_conflict_that_shows_both_sides(shop):
    seen = shop.save("edit", "dataset", "orders", texts={"refresh": "on_change"}).revision
    shop.save("edit", "dataset", "orders", texts={"refresh": "0 1 * * *"})
    # Another definition of the file is no matter.
    shop.save("edit", "datasource", "files", texts={"path": "*.json"})
    error = refused(
        shop, ConflictError, "edit", "dataset", "orders", texts={"tags": "{a: b}"}, revision=seen
    )
    assert "refresh: 0 1 * * *" in error.facts["current"]
    assert "tags: {a: b}" in error.facts["yours"]
    revision = error.facts["revision"]
    assert shop.save(
        "edit", "dataset", "orders", texts={"tags": "{a: b}"}, revision=revision
    ).is_written
    refused(shop, ConflictError, "delete", "dataset", "orders", revision=revision)


def test_secrets_that_stand_in_a_file_by_mistake_are_shown_nowhere(tmp_path, monkeypatch):
    bad = """\
type: resources.SqlConnector
attributes:
  name: leaky
  dialect: postgresql
  host: h
  database: d
  username: u
  password: canary-1
  pasword: canary-2
  options: {sslpassword: canary-3}
"""
    shop = Shop(monkeypatch, tmp_path, {**FILES, "leaky/defs.yaml": bad})
    told = []
    for action, texts in (("edit", {"host": "g"}), ("delete", {})):
        done = shop.save(action, "connector", "leaky", texts=texts, dry_run=True)
        told.append(json.dumps(done.__dict__))
    error = refused(shop, ConflictError, "edit", "connector", "leaky", texts={"host": "g"}, revision="old")  # fmt: skip
    told += [str(error), json.dumps(error.facts)]
    error = refused(shop, InputError, "edit", "connector", "leaky", texts={"password": "canary-4"})
    told += [str(error), json.dumps(error.facts)]
    assert "canary" not in "".join(told)
    assert "pasword: '***'" in told[0]
    shop.save("edit", "connector", "leaky", texts={"password": "LEAKY_PASSWORD"})
    assert "password: {env: LEAKY_PASSWORD}" in shop.texts()["leaky/defs.yaml"]


HOSTILE = [
    "!!python/object/apply:os.system ['touch x']", "x\n---\ntype: resources.FolderConnector\nattributes: {name: evil, root: /}",
    "'", '"', "a: b", "# no comment", "- a", "*alias", "&anchor", "0123", "no", "null", "...", "%YAML 1.1", "}", "]", "\u2028x", "\t",
]  # fmt: skip


def test_what_is_typed_is_data(shop):
    for number, text in enumerate(HOSTILE):
        done = shop.save(
            "create", "dataset", f"hostile_{number}", texts={"datasource": "files", "description": text}
        )  # fmt: skip
        assert done.is_written
    assert shop.problems() == []
    shop.location = saving_location()
    for number, text in enumerate(HOSTILE):
        (spec,) = [s for s in shop.location.specs if s.key.path[-1] == f"hostile_{number}"]
        assert spec.description == (text.strip() or "Imported from files (*.csv)")
    assert "evil" not in shop.location.connectors()


def saving_location():
    from orchestration.project import load_tolerant

    return load_tolerant()[0]


def test_a_folder_that_cannot_be_written_is_told(shop, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    error = refused(shop, StorageError, "edit", "dataset", "orders", texts={"refresh": "on_change"})
    assert "No space left" in str(error)
    assert sorted(p.name for p in (shop.defs / "orders").iterdir()) == ["defs.yaml"]


def test_an_editor_that_saves_meanwhile_wins(shop, monkeypatch):
    path = shop.defs / "orders" / "defs.yaml"
    real = saving.judge

    def judge(*args):
        path.write_text(ORDERS + "# from an editor\n")
        return real(*args)

    monkeypatch.setattr(saving, "judge", judge)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        shop.save("edit", "dataset", "orders", texts={"refresh": "on_change"})
    assert path.read_text().endswith("# from an editor\n")


def test_two_processes_at_once_lose_nothing(shop):
    # Both are made from the same file; one changes its dataset, the other its datasource.
    bodies = [
        lambda: shop.save("edit", "dataset", "orders", texts={"refresh": "on_change"}).is_written,
        lambda: shop.save("edit", "datasource", "files", texts={"path": "*.json"}).is_written,
    ]
    children = [Child(body) for body in bodies]
    assert [child.wait().answer for child in children] == [True, True]
    text = shop.texts()["orders/defs.yaml"]
    assert "refresh: on_change" in text
    assert 'path: "*.json"' in text

    # Both change the same definition, from the same state: one gets the conflict.
    revision = shop.save("edit", "dataset", "orders", texts={"refresh": "manual"}).revision

    def edit(value):
        try:
            shop.save("edit", "dataset", "orders", texts={"tags": value}, revision=revision)
        except ConflictError:
            return "conflict"
        return value

    children = [Child(lambda value=value: edit(value)) for value in ("{a: x}", "{a: y}")]
    answers = sorted(child.wait().answer for child in children)
    assert answers[0] == "conflict" or answers[1] == "conflict"
    (won,) = [answer for answer in answers if answer != "conflict"]
    assert f"tags: {won}" in shop.texts()["orders/defs.yaml"]


@pytest.mark.kill
def test_killed_at_every_step_of_writing_there_is_the_old_file_or_the_new_one(shop):
    targets = [(os, "fsync"), (os, "replace"), (os, "link"), (os, "unlink"), (os, "fchmod")]
    changes = [
        DefinitionChange("edit", "dataset", "orders", texts={"refresh": "on_change"}),
        DefinitionChange("create", "connector", "new", type="folder", texts={"root": "new"}),
    ]
    for change in changes:
        planner = saving.planner_of(shop.project, shop.location)
        plan = planner.plan(change)
        path, old = plan.before.path, plan.before.source.text

        def body(plan=plan, planner=planner):
            writing.write(plan.before, plan.after, planner.root)

        steps = count_steps(body, targets)
        assert path.read_text() == plan.after.source.text
        for step in range(len(steps)):
            path.write_text(old) if old else path.unlink()
            assert kill_at(body, targets, step).killed
            left = path.read_text() if path.exists() else ""
            assert left in (old, plan.after.source.text)
            assert shop.problems() == []
            if not path.exists():
                path.touch()


def test_whoever_dies_does_not_keep_others_waiting(shop):
    lock = saving._turn

    def hang():
        with lock(shop.defs, shop.home):
            os.kill(os.getpid(), 9)

    child = Child(hang)
    wait_until(lambda: child.wait().status == -9)
    assert shop.save("edit", "dataset", "orders", texts={"refresh": "on_change"}).is_written
