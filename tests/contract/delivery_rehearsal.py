"""What every rehearsal of a delivery promises: it says what the delivery would meet and do, and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from resources.kernel.records import CheckReport, CheckStep
from tests.resources.connectors.sql.writing.databases import (
    ExportDatabase,
    broken_stream,
    request,
    sales,
    stream,
)


def rehearse(database: ExportDatabase, data: pa.Table, **changes: Any) -> CheckReport:
    """A rehearsal whose steps were heard one by one."""
    heard: list[CheckStep] = []
    wanted = request(data.num_rows, **changes)
    report = database.connector.rehearse(stream(data), wanted, heard.append)
    assert heard == list(report.steps)
    assert [step.ok for step in report.steps[:-1]] == [True] * (len(report.steps) - 1)
    assert report.steps[-1].ok == report.ok
    return report


class DeliveryRehearsal:
    """What would happen, told before it does."""

    @pytest.fixture
    def untouched(self, database: ExportDatabase) -> Any:
        """Fails if what stands in the database is not what it was before; call it first."""

        def everything() -> object:
            names = database.names()
            rows = {name: database.run(f'SELECT * FROM "{name}"') for name in sorted(names)}
            path = database.config.path
            return rows, [] if path is None else sorted(p.name for p in Path(path).parent.iterdir())

        seen: list[object] = []

        def note() -> None:
            seen.append(everything())
            assert seen == [seen[0]] * len(seen)

        return note

    def test_each_mode_says_what_it_would_do(
        self, database: ExportDatabase, untouched: Any
    ) -> None:
        database.export(sales(1))
        untouched()
        said = {
            mode: rehearse(database, sales(2, rows=7), mode=mode)
            for mode in ("overwrite", "append", "timestamp", "safe")
        }
        untouched()
        assert [found.ok for found in said.values()] == [True, True, True, False]
        assert said["overwrite"].detail.startswith("replaces the 10 rows of table")
        assert "by 7 rows" in said["overwrite"].detail
        assert said["append"].detail.startswith("adds 7 rows to the 10 rows of table")
        assert "view sales_latest" in said["timestamp"].detail
        assert "mode 'safe' never changes" in said["safe"].detail
        assert [step.name for step in said["overwrite"].steps][-4:] == [
            "table",
            "fit",
            "right to write",
            "effect",
        ]

    def test_a_table_that_is_not_there_would_be_made(
        self, database: ExportDatabase, untouched: Any
    ) -> None:
        database.run("CREATE TABLE other (x integer)")
        untouched()
        report = rehearse(database, sales(1))
        assert report.ok, report.detail
        assert report.detail.startswith("makes table")
        untouched()

    def test_columns_that_do_not_fit_are_all_named(
        self, database: ExportDatabase, untouched: Any
    ) -> None:
        database.export(sales(1))
        changed = pa.table({"id": pa.array(["x"] * 10), "version": [2] * 10, "new": [1] * 10})
        untouched()
        report = rehearse(database, changed)
        assert (report.ok, report.steps[-1].name) == (False, "fit")
        assert "lacks 'name'" in report.detail
        assert "'id' is" in report.detail
        untouched()
        if database.dialect not in ("oracle", "snowflake"):
            again = rehearse(database, changed, on_schema_change="recreate")
            assert again.ok, again.detail
            assert again.detail.startswith("drops table")
        untouched()

    def test_a_column_that_comes_is_told(self, database: ExportDatabase, untouched: Any) -> None:
        database.export(sales(1))
        untouched()
        wider = sales(2).append_column("price", pa.array([1.5] * 10))
        report = rehearse(database, wider, mode="append")
        assert "gets 'price'" in {step.name: step.detail for step in report.steps}["fit"]
        untouched()

    def test_an_empty_source_would_be_refused(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        report = rehearse(database, sales(2, rows=0))
        assert (report.ok, report.steps[-1].name) == (False, "effect")
        assert "kept 10 in table" in report.detail
        assert rehearse(database, sales(2, rows=0), allow_empty=True).ok

    def test_a_view_is_no_target_of_a_rehearsal(self, database: ExportDatabase) -> None:
        database.run("CREATE VIEW sales AS SELECT 1 AS id")
        report = rehearse(database, sales(1))
        assert (report.ok, report.steps[-1].name) == (False, "table")
        assert "is a view, not a table" in report.detail

    def test_no_more_than_the_first_rows_are_read(self, database: ExportDatabase) -> None:
        database.export(sales(1))
        data = sales(2)

        def batches() -> Any:
            yield data.to_batches()[0]
            raise AssertionError("the stream was read on")

        source = broken_stream(data, AssertionError("the stream was read"))
        source.batches = batches()
        assert database.connector.rehearse(source, request(10)).ok
