"""SQL databases as connectors: a room for each, and what they share.

`open_table_connector` is the way in. What belongs here: how a dialect connects, signs in, describes and streams its tables.
What does not: how an export is made atomic (`writing/`), and anything about Dagster.
"""

from __future__ import annotations

from resources.connectors.sql.config import Dialect, SqlConfig
from resources.connectors.sql.connector import DatabaseConnector, open_table_connector

__all__ = ["DatabaseConnector", "Dialect", "SqlConfig", "open_table_connector"]
