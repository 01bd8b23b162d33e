"""Names between quotes: the one place that knows how a quote inside of a name is written.

What belongs here: the form. What does not: which names are refused (`resources/connectors/sql/names.py`, `TableConnector.quote`), and the two
systems with rules of their own: BigQuery escapes by a backslash, and SQLAlchemy's dialects fold case.
"""

from __future__ import annotations


def quoted(name: str, mark: str = '"') -> str:
    """`name` between two marks, doubled where the name itself holds one: `we"ird` becomes `"we""ird"`."""
    return mark + name.replace(mark, mark * 2) + mark
