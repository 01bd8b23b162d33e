"""Datasources: which there are, and what one would bring if it were imported now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import yaml

from assets.datasources.component import Datasource
from orchestration.location import Location
from orchestration.services.json_rows import json_rows
from orchestration.services.unsaved import Definition, as_input, make_component, unplaced
from resources.connectors.base import FileConnector
from resources.kernel.errors import ConfigError, InputError, WaybillError
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import Guess
from resources.sources.fingerprint_rules import FingerprintRule
from resources.sources.previews import Preview, preview_source
from resources.sources.query_parameters import parse_parameters
from resources.sources.source import Source
from resources.sources.spec import SourceSpec, check_source

PREVIEW_LIMIT = 1000
_MAPPINGS = ("options", "parameters")
_SETTINGS = ("format", "member", "rename", *_MAPPINGS, "timeout_seconds", "fingerprint")
UNSAVED = "to be saved"
"""What a data source is called that is not declared yet."""


DATASOURCE_JOB = "datasource_test"
"""The job of the Launchpad that looks at a data source."""


@dataclass(frozen=True)
class DatasourceSummary:
    """A declared data source."""

    name: str
    connector: str
    target: str
    fingerprint: str
    """How it is told that it changed."""
    can_miss: str
    """Changes that this way does not see."""
    used_by: tuple[str, ...]


@dataclass(frozen=True)
class DatasourceTest:
    """What a look at a data source found. Nothing was imported."""

    name: str
    connector: str
    target: str
    ok: bool
    detail: str
    """Why it cannot be read, when it cannot."""
    columns: tuple[tuple[str, str], ...] = ()
    """(column, type)"""
    rows: list[list[Any]] = field(default_factory=list)
    is_whole: bool = False
    """These are all rows there are."""
    guesses: tuple[Guess, ...] = ()
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Objects, bytes, rows ... as far as the fingerprint tells."""
    seconds: float = 0.0


def list_datasources(location: Location) -> list[DatasourceSummary]:
    """Every declared data source, in order of name. Connects to none."""
    return [
        DatasourceSummary(
            name=name,
            connector=spec.connector,
            target=spec.target,
            fingerprint=str(spec.fingerprint),
            can_miss=spec.fingerprint.can_miss(holds=spec.holds),
            used_by=_readers_of(location, asset_key("datasources", name)),
        )
        for name, spec in location.datasources().items()
    ]


def preview_datasource(
    location: Location, spec: SourceSpec, *, rows: int, with_fingerprint: bool | None = None
) -> DatasourceTest:
    """Reads the first rows, tells what was guessed; imports nothing (E12, F044).

    Args:
        location: where connectors are declared.
        spec: a data source, declared or not.
        rows: how many rows to show.
        with_fingerprint: whether to take the fingerprint too. When None it is taken of files, of which listing tells
            it, and not of tables and queries, all of which some databases read for it.

    Raises:
        UnknownNameError: the connector is not declared.
        ConfigError: a declaration that makes no sense, a variable that is not set.
        InputError: more rows than a preview may have.
    """
    holds = "files" if isinstance(location.connector(spec.connector), FileConnector) else "tables"
    check_source(spec, holds=holds)
    if with_fingerprint is None:
        with_fingerprint = holds == "files" and spec.fingerprint.method == "auto"
    return look_at(location.source(spec), rows, with_fingerprint=with_fingerprint)


def look_at(source: Source, rows: int, *, with_fingerprint: bool) -> DatasourceTest:
    """Reads the first rows of a source; what the other side or the files say is in the answer.

    Raises:
        ConfigError: a declaration that makes no sense, a variable that is not set.
        InputError: more rows than a preview may have.
    """
    if not 0 < rows <= PREVIEW_LIMIT:
        raise InputError(f"a preview has 1 to {PREVIEW_LIMIT} rows, not {rows}")
    started = time.monotonic()
    try:
        return _found(source, rows, with_fingerprint, started)
    except ConfigError:
        raise  # nothing that the other side said
    except WaybillError as error:
        spec = source.spec
        return DatasourceTest(
            spec.name,
            spec.connector,
            spec.target,
            ok=False,
            detail=str(error),
            seconds=round(time.monotonic() - started, 3),
        )


def _found(source: Source, rows: int, with_fingerprint: bool, started: float) -> DatasourceTest:
    spec = source.spec
    preview = preview_source(source, rows)
    print_ = source.fingerprint() if with_fingerprint else None
    facts: dict[str, Any] = dict(print_.facts) if print_ else {}
    if preview.objects_read is not None:
        facts["objects read"] = preview.objects_read
    return DatasourceTest(
        name=spec.name,
        connector=spec.connector,
        target=spec.target,
        ok=True,
        detail=_detail(preview),
        columns=tuple((column.name, str(column.type)) for column in preview.table.schema),
        rows=json_rows(preview.table),
        is_whole=preview.is_whole,
        guesses=preview.guesses,
        warnings=preview.warnings,
        fingerprint=print_.version if print_ else "",
        facts=facts,
        seconds=round(time.monotonic() - started, 3),
    )


def _detail(preview: Preview) -> str:
    rows: pa.Table = preview.table
    if preview.is_whole:
        return f"all {rows.num_rows:,} rows"
    return f"the first {rows.num_rows:,} rows; types are those of the rows that were read"


def unsaved_datasource(target: Mapping[str, str], settings: Sequence[str]) -> SourceSpec:
    """A data source from `connector`, one of `path`, `table` and `query`, and further attributes as `key=value`.

    Values are YAML; `options.separator=;` sets one option, `parameters.year=2013` one parameter.

    Raises:
        ConfigError: an unknown attribute, or a value that cannot be one.
    """
    given: dict[str, Any] = {}
    for setting in settings:
        name, found, text = setting.partition("=")
        attribute, dot, inner = name.partition(".")
        if not found or attribute not in _SETTINGS or (dot and attribute not in _MAPPINGS):
            raise ConfigError(
                f"{name[:60]!r} is not an attribute of a data source",
                hint=f"Known: {', '.join(_SETTINGS)}; `options.NAME` and `parameters.NAME` set one of theirs",
            )
        value = _yaml_value(name, text)
        if dot:
            given.setdefault(attribute, {})[inner] = value
        else:
            given[attribute] = value
    for mapping in _MAPPINGS:
        if not isinstance(given.get(mapping, {}), Mapping):
            raise ConfigError(f"{mapping} have names", hint=f"Write {mapping}.NAME=VALUE")
    if "parameters" in given:
        given["parameters"] = parse_parameters(given["parameters"])
    if "fingerprint" in given:
        given["fingerprint"] = FingerprintRule.parse(given["fingerprint"])
    return SourceSpec(name=UNSAVED, **{**target, **given})


def source_of_definition(location: Location, definition: Definition) -> SourceSpec:
    """What a definition says that was written into a form, or sent along.

    Raises:
        InputError: attributes that a data source does not take, or a parameter from a variable of the environment: what
            is previewed would show it.
    """
    for name, value in _given_parameters(definition).items():
        if isinstance(value, Mapping):
            raise InputError(
                f"parameters.{name}: a variable of the environment is read by definitions that are saved only",
                hint="Give a value to try it with",
            )
    component, _ = make_component(location, definition, Datasource, "datasource")
    with as_input(), unplaced(location):
        return component.source_spec()


def _given_parameters(definition: Definition) -> Mapping[str, Any]:
    given = definition.attributes.get("parameters")
    return given if isinstance(given, Mapping) else {}


def _yaml_value(name: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{name}: the value is not YAML",
            hint='Put it in quotes, twice: "options.quote=\'\\"\'"',
        ) from error


def _readers_of(location: Location, key: Key) -> tuple[str, ...]:
    """Assets that are made from `key`, as `noun/name`, in order."""
    readers = (s for s in location.specs if any(tuple(dep.asset_key.path) == key for dep in s.deps))
    return tuple(sorted(spec.key.to_user_string() for spec in readers))
