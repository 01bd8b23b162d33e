from __future__ import annotations

import pytest

from tests.servers.web import website


@pytest.fixture(scope="package")
def served_web(tmp_path_factory):
    with website(
        tmp_path_factory.mktemp("web"), "news.example", "www.news.example", "other.example"
    ) as site:
        yield site


@pytest.fixture
def web(served_web):
    for kept in ("pages", "asked", "names", "lookups", "dialled"):
        getattr(served_web, kept).clear()
    return served_web
