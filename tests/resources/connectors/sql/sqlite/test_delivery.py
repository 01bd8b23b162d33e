"""Deliveries into a SQLite file."""

from __future__ import annotations

import pytest

from resources.connectors.sql.sqlite import target_writer
from resources.connectors.sql.sqlite.write_session import SqliteWriteSession
from tests.contract.delivery import DeliveryContract
from tests.resources.connectors.sql.writing.databases import ExportDatabase


class TestSqliteDelivery(DeliveryContract):
    points = ((SqliteWriteSession, "execute"), (target_writer, "_rows"))

    @pytest.fixture
    def database(self, sqlite: ExportDatabase) -> ExportDatabase:
        return sqlite
