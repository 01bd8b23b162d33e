"""Questions in SQL: the process that answers is the sandbox's last wall, and ends with the answer."""

from __future__ import annotations

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.queries.download import ResultFile, download_query
from orchestration.services.queries.limits import DOWNLOADED, SHOWN
from orchestration.services.queries.run import QueryAnswer, run_query
from orchestration.services.queries.transform import TransformText, transform_text

_GRACE_SECONDS = 15.0
"""The query itself is stopped first, with a reason of its own."""


def _run(desk: Desk, sql: str, limit: int, cut_at: int) -> QueryAnswer:
    return run_query(desk.location, sql, limit=limit, cut_at=cut_at)


def _download(desk: Desk, sql: str, file_format: str, raw: bool) -> Streamed[ResultFile]:
    head, chunks = download_query(desk.location, sql, file_format=file_format, raw=raw)
    return Streamed(head, chunks)


def _transform(desk: Desk, sql: str, name: str) -> TransformText:
    return transform_text(desk.location, sql, name)


RUN = Question("query.run", _run, QueryAnswer, seconds=SHOWN.seconds + _GRACE_SECONDS)
DOWNLOAD = Question(
    "query.download",
    _download,
    Streamed[ResultFile],
    seconds=2 * DOWNLOADED.seconds + _GRACE_SECONDS,
)
TRANSFORM = Question("query.transform", _transform, TransformText)
QUESTIONS = (RUN, DOWNLOAD, TRANSFORM)
