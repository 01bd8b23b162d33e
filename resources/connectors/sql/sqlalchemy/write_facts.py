"""How one database differs from the next where both are written through SQLAlchemy, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WriteFacts:
    """One kind of database.

    Args:
        ledger_types: SQL types of the ledger's columns.
        begin: what begins a transaction, where the driver does not by itself.
        locks: statements that keep other exports out until the COMMIT, and limit the wait for the table; `{ledger}`,
            `{name}` (a text, between its quotes), `{seconds}`, `{milliseconds}` and `{lock_milliseconds}` are filled in.
        delete: how all rows of `{table}` go.
        ddl_commits: whether a change of a table's shape commits by itself.
        add_column: how `{table}` gets a column.
        rows_at_once: rows of one INSERT; 1 leaves it to the driver's own executemany.
        typed_binds: whether the driver must be told the types of values.
    """

    ledger_types: tuple[str, ...]
    begin: str = ""
    locks: tuple[str, ...] = ()
    delete: str = "DELETE FROM {table}"
    ddl_commits: bool = False
    add_column: str = "ALTER TABLE {table} ADD COLUMN {column}"
    rows_at_once: int = 1
    typed_binds: bool = False
