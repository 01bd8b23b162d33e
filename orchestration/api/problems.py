"""Errors as answers: problem details (RFC 9457) that say what the command line would say."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from orchestration.services.statuses import problem_document, problem_of, status_of
from resources.kernel.errors import WaybillError

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """Why a request failed, as RFC 9457 has it."""

    type: str
    """What kind of problem: a place in the reference of this API."""
    title: str
    status: int
    detail: str
    """What was tried, on what, what was found."""
    hint: str = ""
    """What to do."""
    instance: str
    """The path that was asked for."""
    facts: dict[str, Any] = {}
    """The same for programs: file, line, column, known names ..."""


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    kind: str = "",
    hint: str = "",
    facts: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An answer that says why a request failed."""
    body = problem_document(
        status, detail, name=kind, hint=hint, instance=request.url.path, facts=facts
    )
    content = msgspec.json.encode(body, enc_hook=str)
    return Response(content, status, headers, MEDIA_TYPE)


def add_problems(api: FastAPI) -> None:
    """Has every error of an application answered as a problem."""
    api.add_exception_handler(WaybillError, _of_ours)
    api.add_exception_handler(RequestValidationError, _of_input)
    api.add_exception_handler(HTTPException, _of_http)
    api.add_exception_handler(Exception, _of_bug)


async def _of_ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, WaybillError):
        raise error
    status = status_of(error)
    later = error.facts.get("wait_seconds")
    if later is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        later = 5
    headers = None if later is None else {"Retry-After": str(later)}
    return problem(
        request,
        status,
        error.message,
        kind=problem_of(type(error)),
        hint=error.hint,
        facts=dict(error.facts),
        headers=headers,
    )


async def _of_input(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [
        {"pointer": "/" + "/".join(map(str, one["loc"])), "reason": one["msg"]}
        for one in error.errors()
    ]
    told = "; ".join(f"{one['pointer']}: {one['reason']}" for one in found[:5])
    return problem(
        request, 422, f"the request is not as it should be: {told}", facts={"errors": found}
    )


async def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(request, error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _of_bug(request: Request, error: Exception) -> Response:
    logger.exception("%s %s", request.method, request.url.path, exc_info=error)
    return problem(
        request,
        500,
        "the server could not answer: this is a bug",
        hint="logs/web.log has the details",
    )
