"""Fixtures of all tests: real servers, started on demand."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contract")  # the shared suites explain their failures too

pytest_plugins = [
    "tests.servers.ftp",
    "tests.servers.postgres",
    "tests.servers.mariadb",
    "tests.servers.s3",
    "tests.servers.scripted_s3",
]
