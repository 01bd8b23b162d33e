"""One reader for the tests: its processes take some tenths of a second each to start."""

from __future__ import annotations

import pytest

from resources.documents.limits import ReadLimits
from resources.documents.reader import open_reader


@pytest.fixture(scope="session")
def reader():
    with open_reader(ReadLimits(seconds=200), workers=1) as opened:
        yield opened
