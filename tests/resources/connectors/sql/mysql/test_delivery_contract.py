"""Deliveries into MariaDB as into any other target, and the way that it alone has: a new table in the old one's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.connectors.sql.mysql import load_data
from resources.connectors.sql.mysql.write_session import MysqlWriteSession
from resources.connectors.sql.writing.settings import ExportSettings
from tests.contract.delivery import DeliveryContract
from tests.contract.delivery_kills import kill_everywhere
from tests.resources.connectors.sql.writing.databases import ExportDatabase

POINTS = ((MysqlWriteSession, "change"), (load_data, "as_lines"))


@pytest.mark.mariadb
class TestMariadbDelivery(DeliveryContract):
    points = POINTS

    @pytest.fixture
    def database(self, mariadb: ExportDatabase) -> ExportDatabase:
        return mariadb

    @pytest.mark.kill
    def test_killed_at_every_point_of_a_renaming(
        self, database: ExportDatabase, tmp_path: Path
    ) -> None:
        """So many old rows that deleting them would be slow: the new table takes the old one's place."""
        database.settings = ExportSettings(delete_limit_rows=3)
        kill_everywhere(database, self.points, tmp_path, every=2, mode="overwrite")
