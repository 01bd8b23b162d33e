"""What MySQL says about rows and constraints, in our words (E49)."""

from __future__ import annotations

import re

from resources.connectors.sql.mysql.errors import code_of
from resources.connectors.sql.mysql.wire import ServerError
from resources.connectors.sql.writing.job import ExportJob
from resources.kernel.errors import InputError, SchemaMismatchError, WaybillError

# `("db"."child", CONSTRAINT "fk" FOREIGN KEY ...`, in the quotes of the session.
_CHILD = re.compile(
    r"""\(["`].*?["`]\.["`](?P<table>.+?)["`], CONSTRAINT ["`](?P<name>.+?)["`] FOREIGN"""
)
_COLUMN = re.compile(r"[Cc]olumn '(?P<name>[^']+)'")
_REFERRED, _NULL, _TOO_LARGE_ROW = 1451, 1048, frozenset({1118, 139})
_CONSTRAINTS = frozenset({1062, 1452, 1586, 3819, 4025, 4031})
_VALUES = frozenset({1264, 1265, 1292, 1300, 1366, 1367, 1406, 1416, 1411, 1690, 3140, 3156, 1364})


def violation(error: Exception, job: ExportJob) -> WaybillError | None:
    """The error about a value or a row that the database refused; None when it is about something else."""
    code = code_of(error)
    text = error.text if isinstance(error, ServerError) else str(error)
    text = " ".join(text.split())[:200].rstrip(".")
    if code == _REFERRED:
        child = _CHILD.search(text)
        name = child["table"] if child else "another"
        return InputError(
            f"{job.doing}: rows of table {name} refer to its old rows"
            f" (foreign key {child['name'] if child else '?'}); the old rows stay",
            hint="Delete those first, or append",
            child=name,
        )
    if code == _NULL:
        column = _COLUMN.search(text)
        return InputError(
            f"{job.doing}: column {column['name'] if column else '?'!r} of the table is NOT NULL and the data"
            " holds nulls; nothing was written",
            hint="Fill them in a transform",
        )
    if code in _TOO_LARGE_ROW:
        return SchemaMismatchError(
            f"{job.doing}: the columns do not fit one row of the database: {text}",
            hint="Choose columns in a transform",
        )
    if code in _CONSTRAINTS:
        return InputError(
            f"{job.doing}: {text}; nothing was written",
            hint="The rows break a constraint of the table",
        )
    return refused_value(text, job) if code in _VALUES else None


def refused_value(text: str, job: ExportJob) -> InputError:
    """The error about a value that the table does not take."""
    return InputError(
        f"{job.doing}: {text}; nothing was written",
        hint="Change the value in a transform, or the column's type in the table",
    )
