"""Fixtures of all tests: real servers, started on demand."""

from __future__ import annotations

pytest_plugins = ["tests.servers.postgres"]
