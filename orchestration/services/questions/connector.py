"""Questions about connectors: whether one answers, and what stands in it."""

from __future__ import annotations

from typing import Any

from orchestration.services.asking.question import Desk, Question
from orchestration.services.connectors import (
    Browsed,
    ConnectorTest,
    Described,
    browse_connector,
    check_connector,
    check_unsaved_connector,
    describe_table,
)
from orchestration.services.unsaved import Definition

_TEST_SECONDS = 120.0


def _test(desk: Desk, name: str) -> ConnectorTest:
    return check_connector(desk.location, name, desk.tell)


def _try(desk: Desk, kind: str, attributes: dict[str, Any]) -> ConnectorTest:
    return check_unsaved_connector(desk.location, Definition(kind, attributes), desk.tell)


def _browse(desk: Desk, name: str, path: str, limit: int, after: str) -> Browsed:
    return browse_connector(desk.location, name, path, limit=limit, after=after)


def _describe(desk: Desk, name: str, table: str) -> Described:
    return describe_table(desk.location, name, table)


TEST = Question("connector.test", _test, ConnectorTest, seconds=_TEST_SECONDS)
TRY = Question("connector.try", _try, ConnectorTest, seconds=_TEST_SECONDS)
BROWSE = Question("connector.browse", _browse, Browsed)
DESCRIBE = Question("connector.describe", _describe, Described)
QUESTIONS = (TEST, TRY, BROWSE, DESCRIBE)
