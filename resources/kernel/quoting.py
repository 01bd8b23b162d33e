"""Names and texts between quotes: the one place that knows how a quote inside of them is written.

What belongs here: the form. What does not: which names are refused (`resources/connectors/sql/names.py`, `TableConnector.quote`), and systems with
rules of their own: BigQuery, and MySQL in queries of users, escape by a backslash, and SQLAlchemy's dialects fold case.
"""

from __future__ import annotations


def quoted(text: str, mark: str = '"') -> str:
    """`text` between two marks, doubled where the text itself holds one: `we"ird` becomes `"we""ird"`."""
    return mark + text.replace(mark, mark * 2) + mark


def quoted_text(text: str) -> str:
    """A text as SQL has it, between single quotes; for statements that take no parameters."""
    return quoted(text, "'")
