"""The catalog's tables at start: from nothing, from an older revision, from a newer one, many at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster._core.storage import sql
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy.pool import NullPool

from resources.kernel.errors import ConfigError
from resources.stores.catalog.access.tables import METADATA as ACCESS
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.tables import METADATA as CLASSIFICATIONS
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.tables import METADATA as COLLECTIONS
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.dataset_titles import METADATA as TITLES
from resources.stores.catalog.import_tasks.tables import METADATA as IMPORT_TASKS
from resources.stores.catalog.migrate import HEAD, MIGRATIONS, is_current, revision, upgrade
from resources.stores.catalog.queries import METADATA as QUERIES
from resources.stores.catalog.settings import sqlite_config
from resources.stores.catalog.webhooks.tables import METADATA as WEBHOOKS
from tests.faults import Child
from tests.resources.stores.catalog.classifications.rows import SET, change, held


def test_the_newest_revision_is_the_one_in_the_folder():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_an_empty_database_gets_the_tables_that_the_code_knows(config):
    database = CatalogDatabase(config)
    with database.read() as connection:
        assert revision(connection) == HEAD
        differences = compare_metadata(
            MigrationContext.configure(connection),
            [CLASSIFICATIONS, ACCESS, TITLES, QUERIES, COLLECTIONS, IMPORT_TASKS, WEBHOOKS],
        )
    assert [d for d in differences if "alembic" not in str(d)] == []


def test_databases_of_one_process_are_made_at_once(tmp_path):
    databases = [CatalogDatabase(sqlite_config(tmp_path / f"{n}.sqlite")) for n in range(8)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(CatalogDatabase.prepare, databases))
    for database in databases:
        with database._connection() as connection:
            assert revision(connection) == HEAD


def test_a_storage_of_dagster_is_made_at_once(tmp_path):
    known = sql.get_alembic_config(sqlite_event_log.__file__)

    def stamp(path):
        with sa.create_engine(f"sqlite:///{path}", poolclass=NullPool).connect() as connection:
            sql.stamp_alembic_rev(known, connection)

    for n in range(8):
        own, other = tmp_path / f"{n}.sqlite", tmp_path / f"{n}.db"
        with ThreadPoolExecutor(2) as pool:
            made = pool.submit(CatalogDatabase(sqlite_config(own)).prepare)
            stamped = pool.submit(stamp, other)
            made.result(), stamped.result()
        with sa.create_engine(f"sqlite:///{own}", poolclass=NullPool).connect() as connection:
            assert revision(connection) == HEAD
        with sa.create_engine(f"sqlite:///{other}", poolclass=NullPool).connect() as connection:
            assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_an_older_database_is_brought_up_to_date_with_what_it_holds(config):
    older = CatalogDatabase(config)
    with older._connection() as connection, older._transaction(connection, "BEGIN IMMEDIATE"):
        upgrade(connection, "0001")
        assert not is_current(connection)
        for statement in (
            "INSERT INTO classification_sets VALUES (7, 'products', 4, 1, '2026-01-01T00:00:00+00:00')",
            "INSERT INTO classification_columns (set_id, position, name, type) VALUES (7, 0, 'Brand', 'text')",
            "CREATE TABLE class_7 (key TEXT PRIMARY KEY, c0 TEXT)",
            "INSERT INTO class_7 VALUES ('a', 'old')",
        ):
            connection.exec_driver_sql(statement)

    columns = [("Brand", "text")]
    catalog = ClassificationCatalog(CatalogDatabase(config))
    assert held(catalog, columns) == {"a": ("old",)}
    assert catalog.find(SET).oldest_version == 4
    assert change(catalog, "run-1", {"b": ("new",)}, columns=columns).version == 5
    assert held(catalog, columns) == {"a": ("old",), "b": ("new",)}


def test_a_failure_log_of_before_has_a_line_for_the_file_that_it_named(config):
    older = CatalogDatabase(config)
    with older._connection() as connection, older._transaction(connection, "BEGIN IMMEDIATE"):
        upgrade(connection, "0007")
        connection.exec_driver_sql(
            "INSERT INTO collection_failures VALUES (3, 17, '/image_groups/0', 'image_group', 'Scan',"
            " 's3://b/0 s3://b/1', 'object_not_found', 'gone', 's3://b/1', 2, 1700000000000000)"
        )
    [line] = CollectionCatalog(CatalogDatabase(config)).failures(3)
    assert (line.item_id, line.position, line.row_or_pointer) == (17, 0, "/image_groups/0")
    assert (line.object_url, line.message, line.attempts) == ("s3://b/1", "gone", 2)


def test_a_newer_database_is_refused(config):
    with CatalogDatabase(config).write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="has revision 9999; this Waybill knows up to"):
        CatalogDatabase(config).prepare()


def test_concurrent_starts_queue(config):
    def start():
        CatalogDatabase(config).prepare()

    children = [Child(start) for _ in range(6)]
    assert [child.wait().status for child in children] == [0] * 6
    with CatalogDatabase(config).read() as connection:
        assert revision(connection) == HEAD


def test_a_usual_start_does_not_load_alembic(config):
    CatalogDatabase(config).prepare()

    def start():
        import sys

        for name in [name for name in sys.modules if name.partition(".")[0] == "alembic"]:
            del sys.modules[name]
        CatalogDatabase(config).prepare()
        return "alembic" in sys.modules

    assert Child(start).wait().answer is False
