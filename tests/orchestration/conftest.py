"""What all tests of orchestration share: a new catalog is a copy; that its tables are made right is proven beside the catalog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.remembered import remembered_catalog


@pytest.fixture(autouse=True, scope="module")
def _catalogs_begin_as_copies() -> Iterator[None]:
    with remembered_catalog():
        yield
