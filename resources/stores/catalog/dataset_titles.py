"""Titles and descriptions of datasets that people gave them. A dataset's name is its identity and never changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from resources.kernel.keys import Key
from resources.stores.catalog.database import CatalogDatabase

METADATA = sa.MetaData()

TITLES = sa.Table(
    "dataset_titles",
    METADATA,
    sa.Column("asset_key", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)


class DatasetTitles:
    """What people call datasets.

    Args:
        database: the catalog.
    """

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def all(self) -> Mapping[Key, tuple[str, str]]:
        """Title and description of each dataset that has one."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(TITLES.c.asset_key, TITLES.c.title, TITLES.c.description)
            )
            return {tuple(row.asset_key.split("/")): (row.title, row.description) for row in rows}

    def change(
        self, key: Key, *, title: str | None, description: str | None, by: str
    ) -> tuple[str, str]:
        """Sets what is given and leaves the rest; returns both as they are then."""
        asset = "/".join(key)
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(TITLES.c.title, TITLES.c.description).where(TITLES.c.asset_key == asset)
            ).one_or_none()
            before = (row.title, row.description) if row else ("", "")
            now = tuple(
                old if new is None else new
                for new, old in zip((title, description), before, strict=True)
            )
            connection.execute(sa.delete(TITLES).where(TITLES.c.asset_key == asset))
            if any(now):
                connection.execute(
                    sa.insert(TITLES).values(
                        asset_key=asset,
                        title=now[0],
                        description=now[1],
                        changed_by=by,
                        changed_at=datetime.now(UTC).isoformat(),
                    )
                )
        return now[0], now[1]
