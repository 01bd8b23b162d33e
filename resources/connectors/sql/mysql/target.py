"""What the catalog of MySQL and MariaDB tells about a table: columns, what refers to it, what hangs on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from resources.connectors.sql.mysql.written_types import plain_sql_type
from resources.connectors.sql.names import STAGING_PREFIX
from resources.connectors.sql.writing.plan import FilledBy, ReferringKey, TargetColumn
from resources.kernel.errors import InputError

Execute = Callable[..., list[tuple[object, ...]]]
Mark = Callable[[int], str]

_TABLES = (
    "SELECT table_name, table_type, engine FROM information_schema.tables WHERE table_schema = {0}"
)
_COLUMNS = """
SELECT column_name, column_type, is_nullable, column_default, extra, character_set_name
FROM information_schema.columns
WHERE table_schema = {0} AND table_name = {1} ORDER BY ordinal_position
"""
_CHILDREN = """
SELECT table_name, constraint_name, delete_rule FROM information_schema.referential_constraints
WHERE unique_constraint_schema = {0} AND referenced_table_name = {1}
  AND NOT (constraint_schema = {0} AND table_name = {1}) ORDER BY 1, 2
"""
_TRIGGERS = """
SELECT trigger_name FROM information_schema.triggers
WHERE event_object_schema = {0} AND event_object_table = {1} ORDER BY 1
"""
_OWN_KEYS = """
SELECT constraint_name FROM information_schema.referential_constraints
WHERE constraint_schema = {0} AND table_name = {1} ORDER BY 1
"""
_INDEXES = """
SELECT DISTINCT index_name FROM information_schema.statistics
WHERE table_schema = {0} AND table_name = {1} ORDER BY 1
"""
_VIEWS = "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = {0}"
_CHANGES_CHILDREN = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
_ROW_TABLES = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})


class Catalog:
    """Questions about one database.

    Args:
        execute: runs a statement.
        mark: placeholders of parameters.
        database: which one.
        folds_names: whether the server takes names of tables for equal that differ in case.
    """

    def __init__(self, execute: Execute, mark: Mark, database: str, *, folds_names: bool) -> None:
        self._execute = execute
        self._mark = mark
        self._database = database
        self._folds_names = folds_names

    def tables(self) -> dict[str, tuple[str, str]]:
        """Kind and engine of everything that has a table's name."""
        rows = self._execute(_TABLES.format(self._mark(1)), self._database)
        return {str(name): (str(kind), str(engine or "")) for name, kind, engine in rows}

    def find(self, name: str) -> str | None:
        """The table's name as the server spells it, or None when it is free.

        Raises:
            InputError: something other than a table has the name.
        """
        there = self.tables()
        found = self.spelled(name, there)
        if found is None:
            return None
        kind, _ = there[found]
        if kind not in _ROW_TABLES:
            article = "an" if kind[:1] in "AEIOU" else "a"
            raise InputError(
                f"{self._database}.{found} is {article} {kind.lower()}, not a table",
                hint="Choose the name of a table, or a free one",
            )
        return found

    def spelled(self, name: str, names: Iterable[str]) -> str | None:
        """The one of `names` that the server takes for `name`."""
        known = {self.fold(other): other for other in names}
        return known.get(self.fold(name))

    def fold(self, name: str) -> str:
        """A table's name as the server compares it."""
        return name.casefold() if self._folds_names else name

    def columns(self, name: str) -> tuple[TargetColumn, ...]:
        """The columns of a table, in order."""
        return tuple(_column(*row) for row in self._ask(_COLUMNS, name))

    def children(self, name: str) -> list[ReferringKey]:
        """Foreign keys of other tables that refer to this one (E49)."""
        return [
            ReferringKey(str(table), str(key), str(rule) if rule in _CHANGES_CHILDREN else "")
            for table, key, rule in self._ask(_CHILDREN, name)
        ]

    def is_tied(self, name: str) -> bool:
        """Whether something hangs on this very table that another one in its place would not have."""
        if self._facts(name)[0] != "BASE TABLE":
            return True  # it keeps the history of its rows
        hangs = (_TRIGGERS, _OWN_KEYS, _CHILDREN)
        return any(self._ask(question, name) for question in hangs)

    def triggers(self, name: str) -> list[str]:
        """The table's triggers."""
        return [str(row[0]) for row in self._ask(_TRIGGERS, name)]

    def dependents(self, name: str) -> list[str]:
        """What goes when the table is dropped: triggers, indexes, foreign keys."""
        kinds = (("trigger", _TRIGGERS), ("index", _INDEXES), ("foreign key", _OWN_KEYS))
        return [f"{kind} {row[0]}" for kind, question in kinds for row in self._ask(question, name)]

    def views_on(self, name: str) -> list[str]:
        """Views whose text names the table."""
        wanted = f"`{name.replace('`', '``')}`"
        rows = self._execute(_VIEWS.format(self._mark(1)), self._database)
        return [str(view) for view, text in rows if self.fold(wanted) in self.fold(str(text))]

    def view_text(self, name: str) -> str | None:
        """What a view selects; None when there is no such view."""
        rows = self._execute(_VIEWS.format(self._mark(1)), self._database)
        texts = {str(view): str(text) for view, text in rows}
        found = self.spelled(name, texts)
        return None if found is None else texts[found]

    def is_transactional(self, name: str) -> bool:
        """Whether what is done to the table's rows can be undone."""
        engine = self._facts(name)[1]
        rows = self._execute(
            f"SELECT transactions FROM information_schema.engines WHERE engine = {self._mark(1)}",
            engine,
        )
        return bool(rows) and str(rows[0][0]) == "YES"

    def staging_tables(self, prefix: str) -> list[str]:
        """Staging tables of one target: their full pattern, and its part of the name."""
        pattern = re.compile(rf"{STAGING_PREFIX}{prefix}_[0-9a-f]{{12}}")
        return sorted(name for name in self.tables() if pattern.fullmatch(name))

    def _facts(self, name: str) -> tuple[str, str]:
        there = self.tables()
        return there[self.spelled(name, there) or name]

    def _ask(self, question: str, name: str) -> list[tuple[object, ...]]:
        """The catalog's rows about a table: it compares names without case and accents, so they are looked at again."""
        return self._execute(
            question.format(self._mark(1), f"BINARY {self._mark(2)}"),
            *(self._database, self.find(name) or name),
        )


def _column(
    name: object, kind: object, nullable: object, default: object, extra: object, charset: object
) -> TargetColumn:
    text = str(extra or "").upper()
    filled: FilledBy = "nobody" if default is None or str(default) == "NULL" else "default"
    if "AUTO_INCREMENT" in text:
        filled = "identity"
    elif "GENERATED" in text.replace("DEFAULT_GENERATED", "") or "VIRTUAL" in text:
        filled = "generated"
    return TargetColumn(
        str(name), plain_sql_type(str(kind), str(charset or "")), nullable == "NO", filled
    )
