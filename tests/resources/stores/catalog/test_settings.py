"""Where the catalog is, and that a password is never shown."""

import pytest

from resources.kernel.errors import ConfigError, ConnectorUnavailableError, StorageError
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.settings import catalog_config, sqlite_config
from tests.servers.postgres import free_port

CANARY = "canary-5521"


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    for name in ("WAYBILL_CATALOG_URL", "WAYBILL_CATALOG_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_it_is_a_file_in_the_home_folder_by_default(tmp_path):
    assert catalog_config().path == tmp_path / "catalog.sqlite"


def test_a_url_names_a_file_or_a_server(monkeypatch):
    monkeypatch.setenv("WAYBILL_CATALOG_URL", "sqlite:////srv/c.sqlite")
    assert str(catalog_config().path) == "/srv/c.sqlite"
    monkeypatch.setenv(
        "WAYBILL_CATALOG_URL", "postgresql://ada@db.example.com:6432/way?sslmode=require"
    )
    monkeypatch.setenv("WAYBILL_CATALOG_PASSWORD", CANARY)
    found = catalog_config()
    assert (found.dialect, found.location, found.password) == (
        "postgresql",
        "db.example.com:6432/way",
        CANARY,
    )
    assert CANARY not in repr(found)
    monkeypatch.setenv("WAYBILL_CATALOG_URL", "postgresql+psycopg2://ada:other@db.example.com/way")
    assert catalog_config().password == "other"


@pytest.mark.parametrize("url", [f"mysql://ada:{CANARY}@db/x", f"{CANARY}", f"sqlite://{CANARY}"])
def test_another_url_is_refused_without_repeating_it(monkeypatch, url):
    monkeypatch.setenv("WAYBILL_CATALOG_URL", url)
    with pytest.raises(ConfigError, match="WAYBILL_CATALOG_URL") as caught:
        catalog_config()
    assert CANARY not in str(caught.value)


def test_a_server_that_is_away_is_named_without_the_password(monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv(
        "WAYBILL_CATALOG_URL", f"postgresql://ada:{CANARY}@127.0.0.1:{free_port()}/way"
    )
    with pytest.raises(ConnectorUnavailableError, match="nothing listens") as caught:
        CatalogDatabase.open().prepare()
    assert CANARY not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="WAYBILL_HOME"):
        CatalogDatabase(sqlite_config(tmp_path / "file" / "catalog.sqlite")).prepare()
