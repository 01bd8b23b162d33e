"""The catalog database: what neither Dagster's runs nor the dataset store can hold.

SQLite in the home folder, or PostgreSQL by `WAYBILL_CATALOG_URL`. `database.py` opens it and keeps its promises
(transactions, locks, migrations at start); each noun has its own tables in a folder beside it.
"""
