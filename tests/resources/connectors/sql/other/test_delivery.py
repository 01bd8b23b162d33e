"""Deliveries through SQLAlchemy, to the two databases that are at hand."""

from __future__ import annotations

import pytest

from resources.connectors.sql.sqlalchemy.target_writer import SqlalchemyTargetWriter
from resources.connectors.sql.sqlalchemy.write_session import (
    SqlalchemyLedger,
    SqlalchemyWriteSession,
)
from tests.contract.delivery import DeliveryContract
from tests.resources.connectors.sql.writing.databases import ExportDatabase

POINTS = (
    (SqlalchemyWriteSession, "execute"),
    (SqlalchemyTargetWriter, "insert_batch"),
    (SqlalchemyLedger, "record"),
)


class TestSqliteRelativeDelivery(DeliveryContract):
    points = POINTS

    @pytest.fixture
    def database(self, other_sqlite: ExportDatabase) -> ExportDatabase:
        return other_sqlite


@pytest.mark.postgres
class TestPostgresqlRelativeDelivery(DeliveryContract):
    points = POINTS

    @pytest.fixture
    def database(self, other_postgresql: ExportDatabase) -> ExportDatabase:
        return other_postgresql
