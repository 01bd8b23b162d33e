"""`assets.ClassificationSet` in YAML."""

from __future__ import annotations

from typing import cast

import dagster as dg
from pydantic import Field

from assets.classifications.build import build_classification_set
from assets.classifications.declaration import ClassificationSpec, OnError, WatchedFiles
from assets.classifications.schema import (
    FILE_LIMIT,
    FILE_LIMIT_CEILING,
    LIST_DELIMITERS,
    ColumnType,
    Encoding,
    SetColumn,
    SetSchema,
    find_encoding,
)
from resources.connectors.component import ConnectorComponent
from resources.declared import Declared, DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position, require


class Column(Declared):
    """One column beside the key."""

    name: str
    """Exactly as files write it; settled once the set has taken its first file."""
    type: str = "text"
    """`text`, `integer`, `float` or `list[string]`; settled like the name."""
    description: str = ""


class Files(Declared):
    """Where files arrive by themselves."""

    connector: str
    """A folder, a bucket or a file server."""
    path: str
    """A key or a glob."""
    on_error: OnError = "continue"
    """`continue`: files after a rejected one come in; `wait`: none does before it is replaced or removed."""
    include_existing: bool = True
    """Whether what is there at the first look comes in too."""
    settle_seconds: int | None = None
    """How long a file must have been left alone before it counts."""
    every_seconds: int = 15
    """How often to look."""


class ClassificationSet(DeclaredComponent):
    """A table of keys and attributes that is kept by files, each checked whole before it counts."""

    name: str
    columns: list[Column]
    encoding: str = "utf8"
    """Of files that do not say: `utf8` or `latin1`."""
    list_delimiter: str = ","
    """Between the elements of a list cell."""
    blank_clears: bool = False
    """Whether a blank cell clears the stored value instead of keeping it."""
    max_bytes: int = FILE_LIMIT
    """Largest file that is taken."""
    keep: int = 20
    """How many earlier versions stay: for undo, and as dataset versions."""
    description: str = ""
    owners: list[str] = Field(default_factory=list)
    """E-mail addresses, or `team:name`."""
    tags: dict[str, str] = Field(default_factory=dict)
    files: Files | None = None
    """Where files arrive by themselves."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset; its job and sensor come with the code location."""
        where = position(context, "name")
        check_name("classification set", self.name, where=where)
        declared(context, ClassificationSet, noun="classification set")
        if self.keep < 1:
            raise ConfigError(f"{position(context, 'keep')}: `keep` is at least 1")
        spec = ClassificationSpec(
            name=self.name,
            schema=self._schema(context),
            keep=self.keep,
            description=self.description,
            owners=tuple(self.owners),
            tags=self.tags,
            files=self._files(context),
            column_descriptions={c.name: c.description for c in self.columns if c.description},
        )
        try:
            return build_classification_set(spec)
        except dg.DagsterInvalidDefinitionError as error:
            # What Dagster refuses of a declaration are owners and tags: it says which, we say where.
            place = position(context, "owners" if "owner" in str(error) else "tags")
            raise ConfigError(f"{place}: {str(error).splitlines()[0][:300]}") from error

    def _schema(self, context: dg.ComponentLoadContext) -> SetSchema:
        columns = [self._column(context, number) for number in range(len(self.columns))]
        try:
            return SetSchema(
                columns=tuple(columns),
                encoding=cast("Encoding", self.encoding),  # it refuses what is none
                list_delimiter=self.list_delimiter,
                blank_clears=self.blank_clears,
                max_bytes=self.max_bytes,
            )
        except ConfigError as error:
            raise _placed(error, position(context, self._wrong_attribute())) from error

    def _wrong_attribute(self) -> str:
        """Which attribute a refusal of the schema is about."""
        if find_encoding(self.encoding) is None:
            return "encoding"
        if self.list_delimiter not in LIST_DELIMITERS:
            return "list_delimiter"
        return "columns" if 0 < self.max_bytes <= FILE_LIMIT_CEILING else "max_bytes"

    def _column(self, context: dg.ComponentLoadContext, number: int) -> SetColumn:
        given = self.columns[number]
        try:
            return SetColumn(given.name, cast("ColumnType", given.type))  # it refuses what is none
        except ConfigError as error:
            raise _placed(error, position(context, "columns", number)) from error

    def _files(self, context: dg.ComponentLoadContext) -> WatchedFiles | None:
        given = self.files
        if given is None:
            return None
        connector = require(
            context, ConnectorComponent, given.connector, noun="connector", attribute="files"
        )
        if connector.holds != "files":
            raise ConfigError(
                f"{position(context, 'files')}: classification set {self.name!r}: connector"
                f" {given.connector!r} holds tables, not files",
                hint="Name a folder, a bucket or a file server",
            )
        if (given.settle_seconds or 0) < 0 or given.every_seconds < 1 or not given.path.strip():
            raise ConfigError(
                f"{position(context, 'files')}: classification set {self.name!r}: `path` names something,"
                " `settle_seconds` is 0 or more, `every_seconds` 1 or more"
            )
        return WatchedFiles(
            connector=given.connector,
            path=given.path,
            on_error=given.on_error,
            include_existing=given.include_existing,
            settle_seconds=given.settle_seconds,
            every_seconds=given.every_seconds,
        )


def _placed(error: ConfigError, where: str) -> ConfigError:
    return ConfigError(f"{where}: {error.message}", hint=error.hint)
