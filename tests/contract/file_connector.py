"""What every file connector promises. A connector's own tests inherit `FileConnectorContract` and supply two fixtures.

`connector`: an empty `FileConnector`. `outside`: an `Outside` that changes the same place behind its back, as other
programs would.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from orchestration.watching.new_objects import WatchPolicy, find_new_objects
from resources.connectors.base import FileConnector
from resources.connectors.files.listing_progress import ListingStopped, stopping_when
from resources.kernel.errors import (
    ConfigError,
    InputError,
    NotFoundError,
    SourceChangedError,
    WaybillError,
)
from resources.kernel.records import ObjectInfo
from resources.sources.objects import select_objects
from tests.contract.looking import PagesOfFiles
from tests.contract.object_parts import ObjectParts


class Outside(Protocol):
    """Another program that writes to the connector's place."""

    def put(self, key: str, content: bytes) -> None: ...

    def delete(self, key: str) -> None: ...


ODD_KEYS = {
    "spaces": "my flights/2013 01.csv",
    "unicode": "vols/été/✈️ naïve.csv",
    "decomposed unicode": "vols/e\u0301te\u0301.csv",
    "beyond the basic plane": "\U0001d4b3/\U00010348.csv",
    "percent": "100%/a%20b%2Fc.csv",
    "plus": "a+b/c+d.csv",
    "newline": "line\nbreak/x\r\ny.csv",
    "tab and escape": "tab\there/\x1b[31mred.csv",
    "quotes": 'it\'s/"quoted".csv',
    "glob characters": "data[1]/what?*.csv",
    "hash and ampersand": "a#b/c&d=e?f.csv",
    "backslash": "a\\b.csv",
    "leading dot": ".hidden/.profile",
    "tilde": "~/x",
    "drive": "C:/x",
    "dots inside": "a..b/..c/d...csv",
    "xml": "<a>&amp;]]>.csv",
    "blank ends": " lead/trail .csv",
}
LONG_KEY = "/".join(["d" * 200] * 5) + "/" + "f" * 19  # 1,024 bytes

TREE = [
    "a-b.csv",
    "a.csv",
    "a/1.csv",
    "a/2.csv.gz",
    "a/b/3.csv",
    "a/b/c/4.csv",
    "a0.csv",
    "flights/2012-12.csv",
    "flights/2013-01.csv",
    "flights/2013-02.csv",
    "flights/archive/2013-03.csv",
    "é.csv",
]
SELECTIONS = {
    "*": ["a-b.csv", "a.csv", "a0.csv", "é.csv"],
    "**": TREE,
    "**/*.csv": [key for key in TREE if key.endswith(".csv")],
    "a/*": ["a/1.csv", "a/2.csv.gz"],
    "a/**": ["a/1.csv", "a/2.csv.gz", "a/b/3.csv", "a/b/c/4.csv"],
    "a/**/*.csv": ["a/1.csv", "a/b/3.csv", "a/b/c/4.csv"],
    "a/b/3.csv": ["a/b/3.csv"],
    "a?.csv": ["a0.csv"],
    "a[-]b.csv": ["a-b.csv"],
    "a[!-]*": ["a.csv", "a0.csv"],
    "?.csv": ["a.csv", "é.csv"],
    "flights/2013-*.csv": ["flights/2013-01.csv", "flights/2013-02.csv"],
    "flights/2013-0[1-3].csv": ["flights/2013-01.csv", "flights/2013-02.csv"],
    "*/*/*.csv": ["a/b/3.csv", "flights/archive/2013-03.csv"],
    "*/2013-*": ["flights/2013-01.csv", "flights/2013-02.csv"],
    "**/c/**": ["a/b/c/4.csv"],
    "**/b/**/4.csv": ["a/b/c/4.csv"],
    "a/b": [],
    "A.csv": [],
    "nothing/here/*": [],
}
BAD_PATTERNS = {
    "empty": "",
    "absolute": "/etc/*",
    "parent": "../*",
    "parent inside": "a/../../*",
    "current": "./a",
    "empty part": "a//b",
    "folder": "flights/",
    "glued stars": "a**b",
    "NUL": "a\0b",
    "endless": "a" * 5000,
}
BAD_TARGETS = {
    "empty": "",
    "absolute": "/etc/passwd",
    "parent": "../x",
    "parent inside": "a/../../x",
    "only parent": "..",
    "current": "./x",
    "empty part": "a//b",
    "folder": "a/",
    "NUL": "a\0b",
    "no unicode": "a\udcffb",
    "too long": "x/" * 512 + "y",
}


class FileListingContract:
    """Which objects there are, and what their keys may be: all that a part of a place (a prefix) makes different."""

    unheld_characters: ClassVar[str] = ""
    """What the server used in tests cannot have in a key, though the system itself can; shown in another way then."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        path = tmp_path / "source.bin"
        path.write_bytes(b"carrier,delay\nAA,1\n")
        return path

    @pytest.fixture
    def scratch(self, tmp_path: Path) -> Path:
        return tmp_path / "scratch"

    def keys(self, connector: FileConnector, pattern: str = "**", **options) -> list[str]:
        return [item.key for item in connector.list_objects(pattern, **options)]

    def read(self, connector: FileConnector, item: ObjectInfo, scratch: Path) -> bytes:
        with connector.local_copy(item, scratch) as path:
            return path.read_bytes()

    def test_check_says_that_it_answers(self, connector):
        report = connector.check()
        assert report.ok, report.detail
        assert report.detail

    def test_check_shows_each_step(self, connector):
        """F036: what was tried, in order, and what answered."""
        steps = connector.check().steps
        assert steps
        assert all(step.ok and step.name and step.detail for step in steps)
        assert len({step.name for step in steps}) == len(steps)

    def test_kind_and_name(self, connector):
        assert connector.kind
        assert connector.name in repr(connector)

    # --- listing

    def test_a_pattern_selects_in_ascending_order(self, connector, outside):
        for key in reversed(TREE):
            outside.put(key, b"x")
        assert {pattern: self.keys(connector, pattern) for pattern in SELECTIONS} == SELECTIONS

    def test_an_empty_place_lists_nothing(self, connector):
        assert self.keys(connector) == []

    def test_a_listing_goes_on_after_a_key(self, connector, outside):
        for key in TREE:
            outside.put(key, b"x")
        for pattern, keys in SELECTIONS.items():
            for after in ("a", "a-b.csv", "a/b", "a/b/3.csv", "b", "zz\U0010ffff"):
                found = self.keys(connector, pattern, after=after)
                assert found == [key for key in keys if key > after], (pattern, after)

    def test_a_listing_can_be_stopped_where_nothing_matches(self, connector, outside):
        """E39: it says how far it came, and goes on from there without losing or repeating anything."""
        keys = [
            f"deep/{i:02}/{j}/x.{'csv' if i % 5 == 0 else 'txt'}" for i in range(20) for j in "ab"
        ]
        for key in keys:
            outside.put(key, b"x")
        found: list[str] = []
        stops = [""]
        while len(stops) < 100:
            listing = connector.list_objects("**/*.csv", after=stops[-1])
            try:
                with stopping_when(lambda _key: True):
                    found.extend(item.key for item in listing)
                break
            except ListingStopped as stopped:
                stops.append(stopped.key)
        assert stops == sorted(set(stops))
        assert found == [key for key in keys if key.endswith(".csv")]

    @pytest.mark.parametrize("pattern", BAD_PATTERNS.values(), ids=BAD_PATTERNS.keys())
    def test_a_pattern_that_makes_no_sense_is_refused_at_once(self, connector, pattern):
        with pytest.raises(ConfigError, match="cannot select objects"):
            connector.list_objects(pattern)

    def test_a_listing_shows_size_etag_and_time(self, connector, outside):
        outside.put("x.csv", b"12345")
        (item,) = connector.list_objects("x.csv")
        assert item.size_bytes == 5
        assert item.etag
        assert item.modified_at.tzinfo is not None
        assert abs(item.modified_at - datetime.now(UTC)) < timedelta(hours=1)

    def test_more_than_one_page(self, connector, outside):
        names = [f"many/{i:05}.csv" for i in range(120)]
        for name in names:
            outside.put(name, b"")
        assert self.keys(connector, "many/*.csv") == names
        assert self.keys(connector, "many/*.csv", after=names[75]) == names[76:]

    def test_the_same_object_twice_has_the_same_etag(self, connector, outside):
        outside.put("x.csv", b"12345")
        assert list(connector.list_objects("**")) == list(connector.list_objects("x.csv"))

    def test_new_content_has_a_new_etag(self, connector, outside):
        seen = set()
        for content in (b"1", b"2", b"22", b"", b"3"):
            outside.put("x.csv", content)
            seen.add(connector.stat("x.csv").etag)
        assert len(seen) == 5

    def test_a_deleted_object_is_listed_no_more(self, connector, outside):
        outside.put("x.csv", b"1")
        outside.put("y.csv", b"1")
        outside.delete("x.csv")
        assert self.keys(connector) == ["y.csv"]

    # --- browsing

    def browsed(self, connector: FileConnector, path: str = "", **options) -> list[tuple[str, str]]:
        return [(entry.kind, entry.path) for entry in connector.browse(path, **options)]

    def test_browse_shows_folders_once_and_objects_with_sizes(self, connector, outside):
        """F040: what stands directly below a place, in order of path; a folder's path ends in `/`."""
        for key in reversed(TREE):
            outside.put(key, b"12345")
        entries = list(connector.browse())
        assert [(entry.kind, entry.name, entry.path) for entry in entries] == [
            ("object", "a-b.csv", "a-b.csv"),
            ("object", "a.csv", "a.csv"),
            ("folder", "a", "a/"),
            ("object", "a0.csv", "a0.csv"),
            ("folder", "flights", "flights/"),
            ("object", "é.csv", "é.csv"),
        ]
        objects = [entry for entry in entries if entry.kind == "object"]
        assert {entry.size_bytes for entry in objects} == {5}
        assert all(entry.modified_at.tzinfo is not None for entry in objects)

    @pytest.mark.parametrize("path", ["a", "a/"])
    def test_browse_looks_into_a_folder(self, connector, outside, path):
        for key in TREE:
            outside.put(key, b"x")
        assert self.browsed(connector, path) == [
            ("object", "a/1.csv"),
            ("object", "a/2.csv.gz"),
            ("folder", "a/b/"),
        ]
        assert self.browsed(connector, "a/b/c/") == [("object", "a/b/c/4.csv")]

    def test_browse_stops_at_its_limit(self, connector, outside):
        names = [f"many/{i:04}.csv" for i in range(60)]
        for name in names:
            outside.put(name, b"")
            outside.put(f"deep/{name}/{name}", b"")
        assert self.browsed(connector, "many", limit=7) == [("object", key) for key in names[:7]]
        assert len(self.browsed(connector, "many", limit=60)) == 60
        assert len(self.browsed(connector, "many", limit=61)) == 60
        deep = self.browsed(connector, "deep/many", limit=7)
        assert deep == [("folder", f"deep/{name}/") for name in names[:7]]

    def test_browse_of_an_empty_place(self, connector):
        assert list(connector.browse()) == []

    @pytest.mark.parametrize("path", ["nothing", "a.csv", "a/1.csv", "a/nothing/", "fl"])
    def test_browse_of_no_folder(self, connector, outside, path):
        for key in TREE:
            outside.put(key, b"x")
        with pytest.raises(NotFoundError) as caught:
            list(connector.browse(path))
        assert path in str(caught.value)
        assert connector.name in str(caught.value)

    @pytest.mark.parametrize("path", ["/", "/etc", "..", "a/../..", "./a", "a//b", "a\0b", "a//"])
    def test_browse_never_leads_elsewhere(self, connector, outside, path):
        outside.put("a/1.csv", b"x")
        with pytest.raises(InputError):
            list(connector.browse(path))

    def test_browse_finds_odd_names_step_by_step(self, connector, outside):
        keys = [key for key in ODD_KEYS.values() if not set(key) & set(self.unheld_characters)]
        for key in keys:
            outside.put(key, b"x")
        found, pending = [], [""]
        while pending:
            for entry in connector.browse(pending.pop()):
                (pending if entry.kind == "folder" else found).append(entry.path)
                assert entry.path.removesuffix("/").endswith(entry.name)
        assert sorted(found) == sorted(key for key in keys if not _is_hidden(key))

    @pytest.mark.parametrize(
        ("pattern", "keys"),
        [
            ("*.csv", ["a.csv"]),
            ("**", ["a.csv", "in/b.csv"]),
            ("**/?b.csv", []),
            ("[.]a.csv", []),
            (".*", ["._a.csv", ".a.csv"]),
            ("**/.b.csv", ["in/.b.csv"]),
            ("in/", ["in/b.csv"]),
            (".git/*", [".git/c.csv"]),
            ("in/.b.csv", ["in/.b.csv"]),
        ],
    )
    def test_hidden_files_come_only_where_the_path_names_the_dot(
        self, connector, outside, pattern, keys
    ):
        for key in ("a.csv", ".a.csv", "._a.csv", "in/b.csv", "in/.b.csv", ".git/c.csv"):
            outside.put(key, b"x")
        found = select_objects(connector, pattern, is_readable=lambda _: True)
        assert [item.key for item in found] == keys
        assert [entry.path for entry in connector.browse()] == ["a.csv", "in/"]
        assert [entry.path for entry in connector.browse(".git")] == [".git/c.csv"]

    # --- watching

    def test_a_sensor_asks_once_for_each_version(self, connector, outside, tmp_path):
        """R8, E42: new, late and changed objects have one run each, in ticks that end in the middle of the listing."""
        runs: list[str] = []
        policy = WatchPolicy("watch", "scope", one_run_per="object", sweep_objects=500)

        def watch() -> list[str]:
            asked: list[str] = []
            is_complete = False
            while not is_complete:
                tick = find_new_objects(
                    lambda after: connector.list_objects("in/**/*.csv", after=after),
                    policy,
                    ledger=tmp_path / "ledger.sqlite",
                    cursor=None,
                    has_run=runs.__contains__,
                    now=datetime.now(UTC),
                )
                is_complete = tick.is_complete
                runs.extend(request.run_key for request in tick.requests)
                asked += [request.first_keys[0] for request in tick.requests]
            return sorted(asked)

        keys = [f"in/{i % 7}/{i:02}.csv" for i in range(14)]
        for key in [*keys, "in/0/note.txt", "out/x.csv"]:
            outside.put(key, b"1")
        assert watch() == sorted(keys)
        assert watch() == []
        outside.put("in/3/00-late.csv", b"1")
        outside.put(keys[5], b"changed")
        outside.delete(keys[9])
        assert watch() == sorted(["in/3/00-late.csv", keys[5]])
        assert watch() == []
        assert len(runs) == len(set(runs))

    # --- odd keys and sizes

    @pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS.keys())
    def test_an_odd_key_goes_all_the_way(self, connector, source, scratch, key):
        if set(key) & set(self.unheld_characters):
            pytest.skip("the server of this test cannot hold such a key")
        stored = connector.put_file(key, source)
        assert stored.key == key
        dotted = "/".join(".*" if part.startswith(".") else "*" for part in key.split("/"))
        (listed,) = connector.list_objects(dotted)
        assert (listed.key, listed.etag) == (key, stored.etag)
        assert connector.stat(key).etag == stored.etag
        assert self.read(connector, listed, scratch) == source.read_bytes()
        url = connector.addresses.url_of(key)
        assert not any(c.isspace() or not c.isprintable() for c in url)
        assert connector.addresses.key_of(url) == key

    def test_a_key_of_1024_bytes(self, connector, source, scratch):
        assert len(LONG_KEY.encode()) == 1024
        self.test_an_odd_key_goes_all_the_way(connector, source, scratch, LONG_KEY)

    # --- stat

    @pytest.mark.parametrize("key", ["x.csv", "no/such/folder/x.csv", "a", "a.csv/below"])
    def test_what_is_not_there_is_not_found(self, connector, outside, key):
        outside.put("a/1.csv", b"1")
        outside.put("a.csv", b"1")
        with pytest.raises(NotFoundError) as caught:
            connector.stat(key)
        assert connector.name in str(caught.value)
        assert key in str(caught.value)

    @pytest.mark.parametrize("key", BAD_TARGETS.values(), ids=BAD_TARGETS.keys())
    def test_a_key_that_leads_elsewhere_is_refused(self, connector, source, key):
        with pytest.raises(InputError) as caught:
            connector.put_file(key, source)
        assert len(str(caught.value)) <= 500
        assert self.keys(connector) == []


class FileConnectorContract(FileListingContract, PagesOfFiles, ObjectParts):
    """Inherit this; see the module's docstring."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        name=st.text(
            st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40
        ).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 200)
    )
    def test_any_name_goes_all_the_way(self, connector, source, scratch, outside, name):
        assume(not set(name) & set(self.unheld_characters))
        key = f"any/{name}"
        connector.put_file(key, source)
        try:
            (listed,) = connector.list_objects("any/.*" if _is_hidden(name) else "any/*")
            assert listed.key == key
            assert self.read(connector, listed, scratch) == source.read_bytes()
        finally:
            outside.delete(key)

    def test_an_empty_object(self, connector, tmp_path, scratch):
        empty = tmp_path / "empty"
        empty.touch()
        stored = connector.put_file("x/empty.csv", empty)
        assert stored.size_bytes == 0
        assert self.read(connector, connector.stat("x/empty.csv"), scratch) == b""

    # --- reading

    def test_a_copy_holds_exactly_the_bytes(self, connector, outside, scratch):
        content = bytes(range(256)) * 4_000
        outside.put("x.bin", content)
        assert self.read(connector, connector.stat("x.bin"), scratch) == content

    def test_nothing_is_left_in_scratch(self, connector, outside, scratch):
        outside.put("x.bin", b"123")
        with pytest.raises(RuntimeError, match="reader"):  # noqa: SIM117 - the reader fails inside
            with connector.local_copy(connector.stat("x.bin"), scratch):
                raise RuntimeError("reader failed")
        self.read(connector, connector.stat("x.bin"), scratch)
        assert not scratch.exists() or list(scratch.iterdir()) == []

    def test_two_copies_of_one_object_at_once(self, connector, outside, scratch):
        outside.put("x.bin", b"123")
        item = connector.stat("x.bin")
        with connector.local_copy(item, scratch) as one, connector.local_copy(item, scratch) as two:
            assert one.read_bytes() == two.read_bytes() == b"123"

    def test_a_copy_writes_only_into_scratch(self, connector, outside, scratch, tmp_path):
        key = "deep/er/x.bin"
        outside.put(key, b"123")
        before = sorted(tmp_path.rglob("*"))
        with connector.local_copy(connector.stat(key), scratch):
            added = set(tmp_path.rglob("*")) - set(before) - {scratch}
            assert all(path.parent == scratch for path in added)

    def test_changed_since_it_was_listed(self, connector, outside, scratch):
        outside.put("x.csv", b"old content")
        item = connector.stat("x.csv")
        outside.put("x.csv", b"new content")  # E40: the same length
        with pytest.raises(SourceChangedError, match="changed while it was read") as caught:
            self.read(connector, item, scratch)
        assert "x.csv" in str(caught.value)
        assert caught.value.retryable

    def test_deleted_since_it_was_listed(self, connector, outside, scratch):
        outside.put("x.csv", b"old content")
        item = connector.stat("x.csv")
        outside.delete("x.csv")
        with pytest.raises(NotFoundError, match=r"x\.csv"):  # E41
            self.read(connector, item, scratch)

    def test_a_wrong_etag_is_never_read(self, connector, outside, scratch):
        outside.put("x.csv", b"content")
        with pytest.raises(SourceChangedError):
            self.read(connector, replace(connector.stat("x.csv"), etag="0-0-0"), scratch)

    # --- writing

    def test_what_was_put_is_there(self, connector, source, scratch):
        stored = connector.put_file("out/x.csv", source)
        assert stored.size_bytes == source.stat().st_size
        assert stored.etag == connector.stat("out/x.csv").etag
        assert self.read(connector, stored, scratch) == source.read_bytes()

    def test_put_replaces(self, connector, source, scratch):
        first = connector.put_file("out/x.csv", source)
        source.write_bytes(b"second")
        second = connector.put_file("out/x.csv", source)
        assert first.etag != second.etag
        assert self.read(connector, second, scratch) == b"second"
        assert self.keys(connector) == ["out/x.csv"]

    def test_a_source_that_is_not_there(self, connector, outside, tmp_path, scratch):
        outside.put("x.csv", b"old")
        with pytest.raises(WaybillError, match=r"gone\.csv"):
            connector.put_file("x.csv", tmp_path / "gone.csv")
        assert self.read(connector, connector.stat("x.csv"), scratch) == b"old"

    # --- errors

    def test_errors_survive_pickling(self, connector):
        with pytest.raises(NotFoundError) as caught:
            connector.stat("gone\n\x1b[31m.csv")
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert "\n" not in str(again)
        assert "\x1b" not in str(again)


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") for part in key.split("/"))
