"""What every format lets a user settle, and how options are read from YAML: by the fields of one record a format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from resources.formats.unpacking import MAX_UNPACK_RATIO, MAX_UNPACKED_GB
from resources.kernel.errors import ConfigError

ColumnsPolicy = Literal["same", "union"]
BadFilePolicy = Literal["fail", "skip"]
PartitionsPolicy = Literal["auto", "hive", "none"]
_SHOWN = 40
_PATTERNS = ("date_format", "timestamp_format")
_LIMITS = ("max_unpacked_gb", "max_unpack_ratio")


@dataclass(frozen=True, kw_only=True)
class FormatOptions:
    """Options of all formats. A format adds its own as fields of a subclass, each with a default."""

    label: ClassVar[str] = "files"
    """The format, as error texts call it."""

    columns: ColumnsPolicy = "same"
    """Of several files: whether all must have the same columns, or are united by name with nulls (E20)."""
    on_bad_file: BadFilePolicy = "fail"
    """Of several files: whether one that cannot be read fails the import or is left out with a warning (E54)."""
    partitions: PartitionsPolicy = "auto"
    """Columns in the names of folders (`date=2024-01-01/`): read where all files have them, required, or left out."""
    max_unpacked_gb: int = MAX_UNPACKED_GB
    """Of compressed files and archives: how much all files of an import may be when unpacked (T8)."""
    max_unpack_ratio: int = MAX_UNPACK_RATIO
    """Unpacked bytes for each packed one; counts from 512 MB on."""

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> Self:
        """Options as YAML gives them: lists for tuples, by the names of the fields.

        Values are never shown in errors: one of them may have come from a variable.

        Raises:
            ConfigError: an unknown name or a value of another kind, with what would do.
        """
        known = [option.name for option in fields(cls)]
        kinds = _kinds_of(cls)  # type: ignore[arg-type]  # a class is hashable
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise ConfigError(
                    f"options: {str(name)[:_SHOWN]!r} is not an option of {cls.label}",
                    hint=f"Known: {', '.join(known)}",
                )
            if not _fits(value, kinds[name]):
                raise ConfigError(
                    f"options: {name} cannot be a {type(value).__name__} like that"
                    if get_origin(kinds[name]) is Literal
                    else f"options: {name} cannot be a {type(value).__name__}",
                    hint=f"It is {_describe(kinds[name])}",
                )
            if name in _PATTERNS and not _have_places(value):
                raise ConfigError(
                    f"options: {name} has no place for a date in it",
                    hint="Write it as `strptime` does: %d.%m.%Y is 31.12.2024, %m/%d/%y %H:%M is 12/31/24 13:45",
                )
            if name in _LIMITS and isinstance(value, int) and value < 1:
                raise ConfigError(
                    f"options: {name} is at least 1", hint="Leave it out, or raise it"
                )
            values[name] = _frozen(value)
        return cls(**values)


@cache  # evaluated anew for each of thousands of datasources, the annotations were a seventh of a project's load
def _kinds_of(options: type[FormatOptions]) -> Mapping[str, Any]:
    return get_type_hints(options)


def _have_places(value: object) -> bool:
    """Whether a pattern, or that of each column, has a place for a date in it."""
    patterns = value.values() if isinstance(value, Mapping) else [value]
    return all("%" in str(pattern or "%") for pattern in patterns)


def _frozen(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _frozen(one) for name, one in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _fits(value: object, kind: Any) -> bool:
    choices = get_args(kind)
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in choices
    if kind in (str, int, bool, type(None)):
        return type(value) is kind
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if get_origin(kind) is Mapping:
        return isinstance(value, Mapping) and all(
            isinstance(key, str) and _fits(one, choices[1]) for key, one in value.items()
        )
    return any(_fits(value, choice) for choice in choices)  # a union


_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


def _describe(kind: Any) -> str:
    choices = get_args(kind)
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in choices)
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) is tuple:
        return "a list of texts"
    if get_origin(kind) is Mapping:
        each = _describe(choices[1])
        return (
            "a mapping of texts to texts"
            if each == "a text"
            else f"a mapping, for each column {each}"
        )
    return " or ".join(_describe(choice) for choice in choices if choice is not type(None))
