"""Deliveries into a DuckDB file."""

from __future__ import annotations

import pytest

from resources.connectors.sql.duckdb import write_session
from resources.connectors.sql.duckdb.write_session import DuckdbWriteSession
from tests.contract.delivery import DeliveryContract
from tests.resources.connectors.sql.writing.databases import ExportDatabase


class TestDuckdbDelivery(DeliveryContract):
    points = ((DuckdbWriteSession, "execute"), (write_session, "make_file"))

    @pytest.fixture
    def database(self, duckdb_file: ExportDatabase) -> ExportDatabase:
        return duckdb_file
