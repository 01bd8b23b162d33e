"""What a module of routes declares them on: each route asks for its right, and may answer with the same failures.

The application takes the routes of these routers as its own (`build_api`). FastAPI's `include_router` would make each route a second time,
which is a second of processor time at the first request, and look twice for the one that a request is for.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from orchestration.api.given import authorize
from orchestration.api.problems import MEDIA_TYPE, Problem

_PROBLEM = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
_FAILURES = {
    401: "No sign-in, or one that does not count any more",
    403: "Signed in, but without the right",
    404: "No such thing",
    409: "Not possible in the state that it is in",
    422: "The request is not as it should be",
    429: "Too many requests",
    503: "Not now; `Retry-After` says when",
}


class GuardedRouter(APIRouter):
    """The routes of one module."""

    def __init__(self) -> None:
        super().__init__(
            dependencies=[Depends(authorize)],
            responses={
                status: {"description": text, "content": _PROBLEM}
                for status, text in _FAILURES.items()
            },
        )
