"""Which objects a path means: one file, a glob, a folder; and what is said when it means none."""

from __future__ import annotations

import pytest

from resources.connectors.folder.connector import FolderConnector
from resources.formats.registry import is_readable_name
from resources.kernel.errors import ConfigError, NotFoundError
from resources.sources.objects import near_paths, select_objects
from resources.sources.source import FileSource
from resources.sources.spec import SourceSpec, check_source

KEYS = [
    "flights/.hidden.csv",
    "flights/2013/01.csv",
    "flights/2013/02.csv.gz",
    "flights/2014/01.csv",
    "flights/README.md",
    "flights/_SUCCESS",
    "flights/_tmp/03.csv",
    "flights/all.zip",
    "flights/noending",
    "pictures/1.png",
    "plain",
]


@pytest.fixture
def connector(tmp_path):
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\n1\n")
    return FolderConnector("lake", tmp_path)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("flights/2013/01.csv", ["flights/2013/01.csv"]),
        ("flights/2013/*", ["flights/2013/01.csv", "flights/2013/02.csv.gz"]),
        ("flights/2013/", ["flights/2013/01.csv", "flights/2013/02.csv.gz"]),
        ("flights/2013", ["flights/2013/01.csv", "flights/2013/02.csv.gz"]),
        (
            "flights",
            [
                "flights/2013/01.csv",
                "flights/2013/02.csv.gz",
                "flights/2014/01.csv",
                "flights/all.zip",
            ],
        ),
        ("flights/201?/", ["flights/2013/01.csv", "flights/2013/02.csv.gz", "flights/2014/01.csv"]),
        ("plain", ["plain"]),
        ("flights/_tmp/", ["flights/_tmp/03.csv"]),
        ("flights/03.csv", []),
        ("nothing", []),
    ],
)
def test_a_path_is_a_file_a_glob_or_a_folder(connector, path, keys):
    found = select_objects(connector, path, is_readable=is_readable_name)
    assert [item.key for item in found] == keys


@pytest.mark.parametrize(
    "path", ["flights/*/*", "flights/", "flights", "plain", "flights/2013/01.csv"]
)
def test_a_listing_goes_on_after_a_key(connector, path):
    """What the path means is the same wherever a listing goes on, also when all of it is known."""
    keys = [item.key for item in select_objects(connector, path, is_readable=lambda _: True)]
    for number, key in enumerate(keys, 1):
        rest = select_objects(connector, path, is_readable=lambda _: True, after=key)
        assert [item.key for item in rest] == keys[number:]


def test_with_a_format_every_file_of_a_folder_counts(connector):
    source = FileSource(SourceSpec("s", "lake", path="flights/", format="csv"), connector)
    names = [item.key for item in source.objects()]
    assert "flights/noending" in names
    assert "flights/README.md" in names
    assert not [name for name in names if "/_" in name or "/." in name]


def test_a_folder_is_read_as_one_table(connector):
    source = FileSource(SourceSpec("s", "lake", path="flights/2014"), connector)
    with source.open_streams() as open_stream:
        assert sum(batch.num_rows for batch in open_stream()) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("flight/2013/*.csv", "'flights/'"),
        ("flights/2015/01.csv", "'flights/2013/'"),
        ("flights/2013/1.csv", "'flights/2013/01.csv'"),
        ("**/*.parquet", "'flights/'"),
        ("pictures/", "the folder is there, but holds no file that can be read"),
        ("pictures", "the folder is there, but holds no file that can be read"),
    ],
)
def test_what_there_is_instead_is_said(connector, path, said):
    with pytest.raises(NotFoundError) as caught:
        FileSource(SourceSpec("s", "lake", path=path), connector).objects()
    assert said in str(caught.value)


def test_nothing_is_said_of_an_empty_place(tmp_path):
    assert near_paths(FolderConnector("lake", tmp_path), "a/b.csv") == ""
    assert near_paths(FolderConnector("lake", tmp_path / "gone"), "a/b.csv") == ""


@pytest.mark.parametrize(
    ("spec", "holds", "attribute"),
    [
        ({}, "files", None),
        ({"path": "a.csv", "table": "t"}, "files", None),
        ({"path": "a.csv"}, "tables", None),
        ({"table": "t", "member": "x"}, "tables", "member"),
        ({"table": "t", "parameters": {"a": 1}}, "tables", "parameters"),
        ({"table": "t", "timeout_seconds": 5}, "tables", "timeout_seconds"),
        ({"query": "select 1", "timeout_seconds": 0}, "tables", "timeout_seconds"),
        ({"path": "a.xyz"}, "files", "path"),
        ({"path": "/etc/a.csv"}, "files", "path"),
        ({"path": "../a.csv"}, "files", "path"),
        ({"path": "../folder/"}, "files", "path"),
        ({"path": "a//b.csv", "options": {"separator": ";"}}, "files", "path"),
        ({"path": "a.csv", "options": {"colour": 1}}, "files", "options"),
        ({"path": "folder", "options": {"separator": ";"}}, "files", "options"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused_unopened(spec, holds, attribute):
    with pytest.raises(ConfigError) as caught:
        check_source(SourceSpec("s", "c", **spec), holds=holds)
    assert caught.value.facts.get("attribute") == attribute


def test_the_time_limit_changes_nothing_about_what_is_read():
    one, other = (SourceSpec("s", "c", query="select 1", timeout_seconds=n) for n in (1, 2))
    assert one.digest() == other.digest()
    assert one.digest() != SourceSpec("s", "c", query="select 2").digest()
