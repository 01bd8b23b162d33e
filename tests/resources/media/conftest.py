"""One prober for the tests of a module: its processes take a second each to start."""

from __future__ import annotations

import pytest

from resources.media.limits import MediaLimits
from resources.media.prober import open_prober
from resources.sandbox.limits import MB


@pytest.fixture(scope="session")
def prober():
    with open_prober(MediaLimits(seconds=200, cpu_seconds=60), workers=1) as opened:
        yield opened


@pytest.fixture
def strict():
    """A prober with limits that are soon reached."""
    limits = MediaLimits(
        memory_bytes=200 * MB, cpu_seconds=1, seconds=200, read_bytes=MB, pixels=1_000_000
    )
    with open_prober(limits, workers=1) as opened:
        yield opened
