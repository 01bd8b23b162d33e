"""What a data source says, and what can be judged of it without opening anything."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from resources.connectors.sql.query_text import check_query
from resources.formats.registry import check_options
from resources.kernel.errors import ConfigError, InputError
from resources.sources.fingerprint_rules import FingerprintRule
from resources.sources.objects import check_path, may_be_folder
from resources.sources.query_parameters import Parameters
from resources.sources.renaming import check_rename


@dataclass(frozen=True)
class SourceSpec:
    """What a data source says. Exactly one of `path`, `table`, `query` is set."""

    name: str
    connector: str
    path: str = ""
    table: str = ""
    query: str = ""
    member: str = ""
    """Of ZIP archives: a member's name or a glob; the only data file when empty."""
    format: str = ""
    """One of the registry's formats; by the name's ending when empty."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Options of the format, by the names of its options record."""
    parameters: Parameters = field(default_factory=dict, repr=False)
    """Values for the placeholders of the query."""
    timeout_seconds: int | None = None
    """Longest run of the query; the connector's own limit when None."""
    fingerprint: FingerprintRule = field(default_factory=FingerprintRule)
    """How to tell that it changed."""
    settle_seconds: int | None = None
    """Files: how long one must have been left alone; as the connector has it when None."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Files: columns that get another name, by the name that they have there."""
    upload: bool = False
    """What was uploaded for the dataset of this name, in place of a connector and one of the three."""

    @property
    def holds(self) -> str:
        """What its connector has to hold: `files` or `tables`."""
        return "files" if self.path or self.upload else "tables"

    @property
    def target(self) -> str:
        """What is taken, for people: `flights/*.csv.gz`, `table orders`, `query`."""
        if self.upload:
            return "uploaded files"
        return self.path or (f"table {self.table}" if self.table else "query")

    def digest(self) -> str:
        """Changes when the data source asks for something else, reads it otherwise, or is watched otherwise."""
        asked = asdict(self)
        del asked["timeout_seconds"], asked["settle_seconds"]  # change nothing about what is read
        for later in ("rename", "upload"):  # what was imported before there were any stays as it is
            if not asked[later]:
                del asked[later]
        text = json.dumps(asked, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_source(spec: SourceSpec, *, holds: str) -> None:
    """Looks at a data source's declaration without opening anything.

    Args:
        spec: the declaration.
        holds: what its connector holds: `files` or `tables`.

    Raises:
        ConfigError: no target or two, one that the connector does not hold, attributes that belong to another kind
            of target, a format that cannot be told, a wrong option. Its fact `attribute` names the place.
    """
    given = [field for field in ("path", "table", "query") if getattr(spec, field)]
    wanted = ["path"] if holds == "files" else ["table", "query"]
    if len(given) != 1 or given[0] not in wanted:
        raise ConfigError(
            f"data source {spec.name!r} gives {' and '.join(given) or 'no target'};"
            f" connector {spec.connector!r} holds {holds}",
            hint=f"Give exactly one of: {', '.join(wanted)}",
        )
    useless = (
        {"format", "member", "options", "rename", "settle_seconds"}
        if holds == "tables"
        else {"parameters", "timeout_seconds"}
    )
    if spec.table:
        useless |= {"parameters", "timeout_seconds"}
    found = sorted(field for field in useless if getattr(spec, field) not in (None, "", {}))
    if found:
        raise ConfigError(
            f"data source {spec.name!r}: {' and '.join(map(repr, found))} cannot go with {given[0]!r}",
            hint="`format`, `member`, `options`, `rename` and `settle_seconds` are for files; `parameters` and `timeout_seconds` for queries",
            attribute=found[0],
        )
    _check_seconds(spec)
    if spec.query:
        _check_query(spec)
    try:
        spec.fingerprint.check(holds=holds)
    except ConfigError as error:
        raise _about(spec, error, "fingerprint") from error
    if holds == "files":
        try:
            check_path(spec.path)
        except ConfigError as error:
            raise _about(spec, error, "path") from error
        try:
            _check_format(spec)
        except ConfigError as error:
            raise _about(spec, error, "options" if spec.options else "path") from error
        check_rename(spec.rename)


def check_upload(spec: SourceSpec) -> None:
    """Looks at how uploaded files are to be read, before there is any.

    Raises:
        ConfigError: options without a format, a wrong format or option, names that cannot be. Its fact `attribute`
            names the place.
    """
    if spec.options and not spec.format:
        raise ConfigError(
            "options need a format: a file of another one may be uploaded next",
            hint="Give `format:`",
            attribute="options",
        )
    if spec.format:
        try:
            check_options("", spec.options, format=spec.format, member=spec.member)
        except ConfigError as error:
            attribute = "format" if error.message.startswith("format:") else "options"
            raise ConfigError(error.message, hint=error.hint, attribute=attribute) from error
    check_rename(spec.rename)


def _check_seconds(spec: SourceSpec) -> None:
    for attribute, least in (("timeout_seconds", 1), ("settle_seconds", 0)):
        value = getattr(spec, attribute)
        if value is not None and value < least:
            raise ConfigError(
                f"data source {spec.name!r}: {attribute} has to be {least} or more",
                attribute=attribute,
            )


def _check_query(spec: SourceSpec) -> None:
    """What is wrong with a query in every dialect; the rest is the database's to say."""
    try:
        check_query(spec.query, where="query")
    except InputError as error:
        raise ConfigError(
            f"data source {spec.name!r}: {error.message}", hint=error.hint, attribute="query"
        ) from error
    unused = [name for name in spec.parameters if not re.search(rf":{name}\b", spec.query)]
    if unused:
        raise ConfigError(
            f"data source {spec.name!r}: the query has no :{', :'.join(unused)}",
            hint="Each parameter stands in the query as `:name`",
            attribute="parameters",
        )


def _about(spec: SourceSpec, error: ConfigError, attribute: str) -> ConfigError:
    return ConfigError(
        f"data source {spec.name!r}: {error.message}", hint=error.hint, attribute=attribute
    )


def _check_format(spec: SourceSpec) -> None:
    if not spec.format and not spec.options and may_be_folder(spec.path):
        return  # the files that it holds will tell
    check_options(spec.path, spec.options, format=spec.format, member=spec.member)
