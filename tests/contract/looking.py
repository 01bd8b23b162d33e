"""What a look at any connector promises to whoever watches it: steps as they end, lists that go on where they were cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resources.connectors.base import Connector
from resources.connectors.sql import DatabaseConnector
from resources.kernel.records import BrowseEntry, CheckStep


class ToldSteps:
    """A test is told step by step."""

    def test_each_step_is_told_when_it_ends(self, connector: Connector) -> None:
        heard: list[CheckStep] = []
        report = connector.check(heard.append)
        assert heard == list(report.steps)
        assert heard


def in_pages(connector: Connector, place: str, limit: int) -> list[BrowseEntry]:
    """What stands in a place, asked for a page at a time, none of which is longer than asked for."""
    found: list[BrowseEntry] = []
    while True:
        page = list(connector.browse(place, limit=limit, after=found[-1].path if found else ""))
        assert len(page) <= limit
        if not page:
            return found
        found += page


class PagesOfFiles(ToldSteps):
    """A list that was cut goes on: folders and objects come once each."""

    def test_a_list_of_files_goes_on_where_it_was_cut(
        self, connector: Connector, outside: Any
    ) -> None:
        for key in ("a-b.csv", "a.csv", "a/1.csv", "a/b/2.csv", "a0.csv", "é.csv"):
            outside.put(key, b"x")
        for i in range(15):
            outside.put(f"a/{i:02}/x.csv", b"x")
        for place in ("", "a/"):
            assert in_pages(connector, place, 4) == list(connector.browse(place))


class PagesOfTables(ToldSteps):
    """A list that was cut goes on: tables come once each."""

    def test_a_list_of_tables_goes_on_where_it_was_cut(
        self, database: Any, connector: DatabaseConnector
    ) -> None:
        database.run(*(f"CREATE TABLE t{i} (x integer)" for i in range(5)))
        place: str = ""
        entries: Sequence[BrowseEntry] = list(connector.browse())
        while entries[0].kind not in ("table", "view"):
            place = self.way_to_tables(entries, database.config)
            entries = list(connector.browse(place))
        assert in_pages(connector, place, 2) == entries
        assert len(entries) == 5
