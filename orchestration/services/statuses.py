"""What an error means to HTTP: one table for the API, the pages and the guard before them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from resources.kernel import errors
from resources.kernel.errors import WaybillError

STATUSES: dict[type[WaybillError], tuple[int, str]] = {
    errors.MissingDependencyError: (409, "missing-dependency"),
    errors.UnknownNameError: (404, "unknown-name"),
    errors.InUseError: (409, "in-use"),
    errors.ConfigError: (409, "configuration"),
    errors.SchemaMismatchError: (422, "schema-mismatch"),
    errors.InputError: (422, "input"),
    errors.GoneError: (410, "gone"),
    errors.NotFoundError: (404, "not-found"),
    errors.ConflictError: (409, "conflict"),
    errors.ConnectorUnavailableError: (503, "unavailable"),
    errors.SourceChangedError: (503, "source-changed"),
    errors.ConnectorAuthError: (502, "credentials"),
    errors.ConnectorError: (502, "other-system"),
    errors.TooManyTriesError: (429, "too-many-tries"),
    errors.ForbiddenError: (403, "forbidden"),
    errors.StorageError: (507, "storage"),
    errors.IntegrityError: (500, "damaged"),
    WaybillError: (500, "error"),
}
"""Status and name of a problem by class of error, the narrower class first."""

REFUSALS: dict[int, str] = {
    400: "bad-request",
    401: "not-signed-in",
    403: "forbidden",
    404: "not-found",
    405: "method",
    408: "too-slow",
    412: "precondition",
    413: "too-large",
    415: "media-type",
    421: "host",
    422: "input",
    423: "locked",
    429: "too-many-requests",
    500: "error",
    503: "unavailable",
}
"""Names of problems by status, where no error of ours says more: what the guard, the framework or a protocol refuses."""


def status_of(error: WaybillError) -> int:
    """The status of the answer to a request that an error ended."""
    return _entry(type(error))[0]


def problem_of(kind: type[WaybillError]) -> str:
    """The name of the problem that errors of a class are told as."""
    return _entry(kind)[1]


def problem_document(
    status: int,
    detail: str,
    *,
    name: str = "",
    hint: str = "",
    instance: str,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A problem as RFC 9457 has it.

    Args:
        status: of the answer.
        detail: what was tried, on what, what was found.
        name: of the problem; by its status when left out.
        hint: what to do.
        instance: the path that was asked for.
        facts: the same for programs.
    """
    return {
        "type": f"/api/v1/#problem-{name or REFUSALS.get(status, 'error')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "hint": hint,
        "instance": instance,
        "facts": dict(facts or {}),
    }


def _entry(kind: type[WaybillError]) -> tuple[int, str]:
    return next(entry for known, entry in STATUSES.items() if issubclass(kind, known))
