"""What can go wrong, who must act, and whether trying again helps.

```
WaybillError                    message, hint, facts; picklable; retryable = False
├─ ConfigError                  the operator must act
│  ├─ MissingDependencyError    an optional package is not installed
│  ├─ UnknownNameError          a name that nothing declares; lists the known ones
│  └─ InUseError                something else needs what is to be removed; names it
├─ InputError(ValueError)       the sender of the data must act
│  ├─ ParseError                a file's content; knows file, line, column
│  ├─ EmptySourceError          a source that returned no rows
│  └─ SchemaMismatchError       columns or types do not fit the target
├─ NotFoundError(LookupError)   dataset, version, object or table that is not there
│  ├─ GoneError                 a version that existed and was collected
│  └─ NoSuchBucketError         nothing of it is there, whatever is asked for
├─ ConflictError *              a version number, name or lock was taken meanwhile
├─ ConnectorError               another system refused or failed
│  ├─ ConnectorAuthError        credentials or permissions
│  │  └─ SignInRefusedError     who asks is refused, whatever is asked for
│  ├─ UntrustedServerError      its certificate does not hold, or it has no safe encryption
│  ├─ ConnectorUnavailableError *  no connection, cut off, timed out
│  └─ SourceChangedError *      the object changed while it was read
├─ ForbiddenError               who asks may not do that
│  └─ TooManyTriesError         wrong passwords: none is looked at for a while
├─ StorageError                 our own store: full, read-only, unsafe
└─ IntegrityError               bytes, rows or provenance differ from the record
```
`*` = retryable. `resources/failures.py` is the only place that turns these into Dagster failures.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import ClassVar, Self

MESSAGE_LIMIT = 500  # R13: an error a person can act on fits here


class Audience(StrEnum):
    """Who must act before a retry can help."""

    OPERATOR = "operator"
    SENDER = "sender"
    REMOTE = "remote"
    NOBODY = "nobody"


class WaybillError(Exception):
    """Base of every error Waybill raises on purpose.

    Args:
        message: what was attempted, on which object, what was found.
        hint: what to do about it.
        facts: the same facts for machines (file, line, column, table, ...).
    """

    retryable: ClassVar[bool] = False
    audience: ClassVar[Audience] = Audience.OPERATOR

    def __init__(self, message: str, *, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        text = f"{self.message}. {self.hint}" if self.hint else self.message
        return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)

    @classmethod
    def rebuild(cls, message: str, hint: str, facts: dict[str, object]) -> Self:
        """The error again from its parts, whatever the subclass's own constructor takes."""
        error = cls.__new__(cls)
        WaybillError.__init__(error, message, hint=hint, **facts)
        return error


def _rebuild(
    kind: type[WaybillError], message: str, hint: str, facts: dict[str, object]
) -> WaybillError:
    return kind.rebuild(message, hint, facts)


class ConfigError(WaybillError):
    """The project's configuration is wrong: the operator must act."""


class MissingDependencyError(ConfigError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            hint=f'Install it with: pip install "waybill[{extra}]"',
            package=package,
            extra=extra,
        )


def said(noun: str) -> str:
    """A noun as sentences have it: `datasource`, as YAML and commands have it, is two words."""
    return noun.replace("datasource", "data source").replace("Datasource", "Data source")


class UnknownNameError(ConfigError):
    """A name that nothing declares."""

    def __init__(self, noun: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1, cutoff=0.6)
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        listed += f". Did you mean {near[0]!r}?" if near else ""
        prefix = f"{where}: " if where else ""
        super().__init__(
            f"{prefix}unknown {said(noun)} {name!r}",
            hint=f"Known: {listed}" if names else f"No {said(noun)} is declared",
            noun=noun,
            name=name,
            known=names,
        )


class InUseError(ConfigError):
    """Something else needs what is to be removed, or is at work on it."""


class InputError(WaybillError, ValueError):
    """The data or the request is wrong: its sender must act."""

    audience = Audience.SENDER


class ParseError(InputError):
    """A file's content breaks its format.

    Args:
        reason: what is wrong there, without the place.
        file: name of the file as the user knows it.
        line: 1-based line of the file, if known.
        column: column name, or its 1-based number, if known.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str,
        line: int | None = None,
        column: str | int | None = None,
        hint: str = "",
        **facts: object,
    ) -> None:
        place = file if line is None else f"{file}, line {line}"
        place = place if column is None else f"{place}, column {column!r}"
        super().__init__(
            f"{place}: {reason}", hint=hint, file=file, line=line, column=column, **facts
        )


class EmptySourceError(InputError):
    """A source that returned no rows where some were expected (E11, E25)."""


class SchemaMismatchError(InputError):
    """Columns or types do not fit the target (E20, E23, E24)."""


class NotFoundError(WaybillError, LookupError):
    """A dataset, version, object or table that is not there."""


class GoneError(NotFoundError):
    """A pinned version that existed and has been removed since (E51)."""


class NoSuchBucketError(NotFoundError):
    """The bucket that a connector names is not there, and so nothing in it."""


class ConflictError(WaybillError):
    """Another writer took the number, name or lock meanwhile."""

    retryable = True
    audience = Audience.NOBODY


class ConnectorError(WaybillError):
    """Another system refused or failed."""

    audience = Audience.REMOTE


class ConnectorAuthError(ConnectorError):
    """Credentials or permissions were refused."""

    audience = Audience.OPERATOR


class SignInRefusedError(ConnectorAuthError):
    """The credentials are unknown, wrong, expired or missing: nothing would be given to who asks."""


class UntrustedServerError(ConnectorError):
    """The server cannot prove who it is, or speaks no encryption that is safe: nothing was asked of it."""

    audience = Audience.OPERATOR


class ConnectorUnavailableError(ConnectorError):
    """No connection, a cut connection, a timeout (E1, E2, E4, E5)."""

    retryable = True


class SourceChangedError(ConnectorError):
    """The object changed while it was read (E40)."""

    retryable = True


OF_THE_WAY: tuple[type[WaybillError], ...] = (
    ConnectorUnavailableError,
    SignInRefusedError,
    UntrustedServerError,
    NoSuchBucketError,
)
"""What says nothing about the object that was asked for: asking for another one would end the same way."""


class ForbiddenError(WaybillError):
    """Who asks may not do that; its facts name the right that is missing."""


class TooManyTriesError(ForbiddenError):
    """Too many wrong passwords."""

    @property
    def wait_seconds(self) -> int:
        """When the next one is looked at."""
        return int(str(self.facts.get("wait_seconds", 1)))


class StorageError(WaybillError):
    """Our own store is full, read-only or cannot be used safely (E7, E52, E58)."""


class IntegrityError(WaybillError):
    """Bytes, row count or provenance differ from the record (E53)."""
