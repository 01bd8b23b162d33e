"""Rows on their way into a MySQL table: LOAD DATA LOCAL from memory, or INSERTs where the server forbids that."""

from __future__ import annotations

from collections.abc import Iterator

from resources.connectors.sql.mysql.load_text import FORMAT, as_lines, as_tuples
from resources.connectors.sql.mysql.violations import refused_value, violation
from resources.connectors.sql.mysql.wire import ServerError
from resources.connectors.sql.mysql.write_session import MysqlWriteSession

_SWITCHED_OFF = frozenset({1148, 2068, 3948, 4166})
_MOST_INSERT_BYTES = 4 * 1024 * 1024


def load_rows(session: MysqlWriteSession, into: str) -> int:
    """Sends all rows of the session's job into `into`, a table with its columns; how many were stored.

    Raises:
        InputError: a value that the table does not take. Loading turns such errors into warnings; here they are errors.
    """
    try:
        return _load(session, into)
    except ServerError as error:
        if error.code not in _SWITCHED_OFF:
            refused = violation(error, session.job)
            if refused is None:
                raise
            raise refused from error
    return _insert(session, into)


def _load(session: MysqlWriteSession, into: str) -> int:
    # No file of this name is opened: the rows are sent when the server asks for it.
    table, _, columns = into.partition(" (")
    sql = f"LOAD DATA LOCAL INFILE 'waybill' INTO TABLE {table} {FORMAT} ({columns}"
    answer = session.line.wire.load(sql, _lines(session))
    if answer.warnings:
        rows = session.line.rows("SHOW WARNINGS LIMIT 1")
        raise refused_value(str(rows[0][2]) if rows else "the server warns", session.job)
    return answer.rows


def _lines(session: MysqlWriteSession) -> Iterator[memoryview]:
    for batch in session.job.source.batches():
        yield as_lines(batch)


def _insert(session: MysqlWriteSession, into: str) -> int:
    ((packet,),) = session.execute("SELECT @@max_allowed_packet")
    most = min(_MOST_INSERT_BYTES, int(str(packet)) // 2)
    stored = 0
    for tuples in as_tuples(session.job.source.batches(), most):
        stored += session.change(b"INSERT INTO " + into.encode() + b" VALUES " + tuples)
    return stored
