"""What all tests share: real servers, started on demand; the order of files; how often Python looks for garbage."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from resources.project import _AT_HAND
from tests.hurried import hurry_retries
from tests.remembered import remember_commands, remember_databases, remember_revisions
from tests.volatile import forgo_the_disk

pytest.register_assert_rewrite("tests.contract")  # the shared suites explain their failures too
settings.register_profile("waybill", deadline=None)  # a busy machine is no mistake of the code
settings.load_profile("waybill")

pytest_plugins = [
    "tests.scheduling",
    "tests.servers.ftp",
    "tests.servers.postgres",
    "tests.servers.mariadb",
    "tests.servers.s3",
    "tests.servers.scripted_s3",
    "tests.servers.chromium",
]

_LONG = ("e2e", "kill")
"""Markers of files that take long: a worker that began one of them last would work alone at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files that take long in front; a worker takes a file at a time (docs/testing.md)."""
    ranks: dict[str, int] = {}
    for item in items:
        file = item.nodeid.partition("::")[0]
        found = next((i for i, name in enumerate(_LONG) if item.get_closest_marker(name)), 9)
        ranks[file] = min(found, ranks.get(file, 9))
    items.sort(key=lambda item: ranks[item.nodeid.partition("::")[0]])


def pytest_collection_finish() -> None:
    """What was imported stays: no search for garbage goes through it, and no forked child copies it by searching."""
    if "dagster" in sys.modules:
        remember_databases()
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture(autouse=True, scope="module")
def _no_project_left_at_hand() -> Iterator[None]:
    """A command in this process, such as `init`, takes a project for all of it: later tests would load that one."""
    yield
    left, _AT_HAND.project = _AT_HAND.project, None
    assert left is None, f"a test of this file left {left.root} as the project at hand"


forgo_the_disk()
remember_revisions()
remember_commands()
hurry_retries()
