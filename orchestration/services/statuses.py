"""What an error means to HTTP: one table for the API and the pages."""

from __future__ import annotations

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
    errors.ForbiddenError: (403, "forbidden"),
    errors.StorageError: (507, "storage"),
    errors.IntegrityError: (500, "damaged"),
    WaybillError: (500, "error"),
}
"""Status and name of a problem by class of error, the narrower class first."""


def status_of(error: WaybillError) -> int:
    """The status of the answer to a request that an error ended."""
    return _entry(type(error))[0]


def problem_of(kind: type[WaybillError]) -> str:
    """The name of the problem that errors of a class are told as."""
    return _entry(kind)[1]


def _entry(kind: type[WaybillError]) -> tuple[int, str]:
    return next(entry for known, entry in STATUSES.items() if issubclass(kind, known))
