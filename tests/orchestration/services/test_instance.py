"""A `dagster.yaml` that somebody edited: what is said when Dagster refuses it."""

import errno
import sqlite3
from contextlib import closing

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from orchestration.services.home import open_home
from orchestration.services.instance import described_instance, open_instance, told_of_the_disk
from resources.kernel.errors import ConfigError, StorageError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return open_home()


def test_the_defaults_open(home):
    with open_instance(home) as instance:
        assert instance.root_directory == str(home.dagster)


def test_the_file_is_read_once_and_again_when_it_has_changed(home):
    source = home.dagster / "dagster.yaml"
    first = described_instance(home)
    assert described_instance(home) is first
    with open_instance(home) as one, open_instance(home) as other:
        assert one.event_log_storage is not other.event_log_storage
        assert one.run_monitoring_enabled
    on, off = (f"run_monitoring:\n  enabled: {word}" for word in ("true", "false"))
    source.write_text(source.read_text().replace(on, off))
    with open_instance(home) as changed:
        assert not changed.run_monitoring_enabled
    source.unlink()
    with open_instance(home) as plain:
        assert plain.get_runs() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("storage: [a\nb: c\n", r"dagster\.yaml:2: expected ','"),
        ("storrage: {}\n", 'unexpected config entry "storrage"'),
        ("telemetry:\n  enabled: canary-7391\n", "root:telemetry:enabled"),
        ("- canary-7391\n", "to parse to dictionary"),
        ("\0", "it is not YAML"),
    ],
    ids=["broken", "unknown entry", "wrong type", "a list", "binary"],
)
def test_a_wrong_file_is_named_with_the_reason(home, content, reason):
    (home.dagster / "dagster.yaml").write_text(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        open_instance(home)
    message = str(caught.value)
    assert str(home.dagster / "dagster.yaml") in message
    assert message.isprintable()
    assert "canary" not in message


def full_disk():
    """What Dagster's storage raises then, as SQLite says it."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("pragma max_page_count = 2")
        database.execute("create table one (a)")
        try:
            database.execute("insert into one values (zeroblob(100000))")
        except sqlite3.OperationalError as error:
            return OperationalError("insert", {}, error)
    raise AssertionError


def test_a_full_disk_is_told_as_that_and_not_as_a_wrong_file(home, monkeypatch):
    def refuse(_reference):
        error = full_disk()
        raise error from error.orig

    monkeypatch.setattr(dg.DagsterInstance, "from_ref", refuse)
    with pytest.raises(StorageError, match="the disk is full") as told:
        open_instance(home)
    assert "Make room" in str(told.value)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), sqlite3.OperationalError("no such table")])  # fmt: skip
def test_only_what_is_of_the_disk_is_told_as_that(home, error):
    is_full = isinstance(error, OSError)
    with pytest.raises(StorageError if is_full else type(error)), told_of_the_disk(home):
        raise error
