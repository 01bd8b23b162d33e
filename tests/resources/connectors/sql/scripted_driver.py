"""A connection that plays a server: it notes every statement and answers by script, behind the real driver's dialect.

It proves what we send, in which order, and what we make of what a driver hands over. It proves nothing about the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

Answer = tuple[Sequence[Any], Sequence[Sequence[Any]]]


def counts(number: int) -> tuple[str, Callable[[str], Answer]]:
    """The answer to a statement that counts: the same number for each `count(...)` in it."""

    def answer(statement: str) -> Answer:
        many = statement.count("count(")
        return [f"n{i}" for i in range(many)], [(number,) * many]

    return r"count\(\*\)", answer


class ScriptedServer:
    """What a server answers, by pattern; the first that is found in a statement counts.

    Attributes:
        statements: everything that was sent, in order; `COMMIT` and `ROLLBACK` for the driver's calls.
        parameters: what was bound, statement by statement.
    """

    version = "19.3.0.0.0"

    def __init__(self, *answers: tuple[str, Answer | Callable[[str], Answer]]) -> None:
        self.answers = list(answers)
        self.statements: list[str] = []
        self.parameters: list[Any] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every engine made from now on leads here."""
        real: Callable[..., sa.Engine] = sa.create_engine
        monkeypatch.setattr(
            sa,
            "create_engine",
            lambda *args, **kwargs: real(*args, **kwargs, creator=lambda: Connection(self)),
        )

    def note(self, statement: str, parameters: Any = None) -> None:
        """Writes down what was sent."""
        self.statements.append(statement)
        self.parameters.append(parameters)

    def answer(self, statement: str) -> Answer:
        """Columns and rows; a SELECT that the script does not know finds nothing."""
        for pattern, answer in self.answers:
            if re.search(pattern, statement, re.DOTALL):
                return answer(statement) if callable(answer) else answer
        return (["x"], []) if statement.lstrip().upper().startswith("SELECT") else ([], [])

    def sent(self, pattern: str) -> list[str]:
        """The statements that a pattern is found in, on one line each."""
        lines = [" ".join(statement.split()) for statement in self.statements]
        return [line for line in lines if re.search(pattern, line)]


class Autocommit:
    """Off. An attribute with some drivers, a method with others."""

    def __bool__(self) -> bool:
        return False

    def __call__(self, *_: Any) -> None:
        pass


class Connection:
    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.version = server.version
        self.autocommit: Any = Autocommit()
        self.max_identifier_length = 128
        self.outputtypehandler: Any = None
        self.call_timeout = 0
        self.thin = True

    def cursor(self, *_: Any, **__: Any) -> Cursor:
        return Cursor(self.server)

    def commit(self) -> None:
        self.server.note("COMMIT")

    def rollback(self) -> None:
        self.server.note("ROLLBACK")

    def close(self) -> None:
        pass


class Cursor:
    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.description: Any = None
        self.rowcount = -1
        self.arraysize = 100
        self.outputtypehandler: Any = None
        self._rows: list[Any] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, statement: str, parameters: Any = None, **_: Any) -> Cursor:
        self.server.note(statement, parameters)
        columns, rows = self.server.answer(statement)
        self.description = [
            column if isinstance(column, tuple) else (column, *[None] * 6) for column in columns
        ] or None
        self._rows = list(rows)
        return self

    def executemany(self, statement: str, parameters: Any) -> None:
        self.execute(statement, list(parameters))

    def setinputsizes(self, *_: Any, **__: Any) -> None:
        pass

    def var(self, *_: Any, **__: Any) -> None:
        return None

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        return self.fetchmany(len(self._rows))

    def fetch_arrow_batches(self) -> Any:
        yield from self._rows

    def close(self) -> None:
        pass
