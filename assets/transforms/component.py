"""`assets.SqlTransform` in YAML."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from assets.refresh import ON_CHANGE, automation_for
from assets.transforms.build import TransformSpec, build_transform
from assets.transforms.statement import parse_statement
from assets.transforms.time_limit import DEFAULT_SECONDS
from resources.declared import DeclaredComponent
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import declared, position


class SqlTransform(DeclaredComponent):
    """A dataset made by one SELECT over other datasets, which it names as tables."""

    name: str
    sql: str = ""
    """The SELECT, in DuckDB's dialect."""
    file: str = ""
    """Or a file that holds it, beside the YAML."""
    refresh: str = ON_CHANGE
    """`on_change`, `manual`, or a cron."""
    keep: int = 3
    """How many versions to keep."""
    max_runtime_seconds: int = DEFAULT_SECONDS
    """How long the query may run; beyond it the run fails and the previous version stays."""
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of every dataset that the SQL names."""
        check_name("transform", self.name, where=position(context, "name"))
        declared(context, SqlTransform, noun="transform")
        where = position(context, "sql" if self.sql else "name")
        if bool(self.sql) == bool(self.file):
            raise ConfigError(
                f"{where}: transform {self.name!r} needs exactly one of `sql` and `file`"
            )
        if self.max_runtime_seconds < 1:
            raise ConfigError(
                f"{position(context, 'max_runtime_seconds')}: transform {self.name!r}: `max_runtime_seconds` is"
                f" {self.max_runtime_seconds}",
                hint=f"Give a whole number of seconds from 1 on, or leave it out for {DEFAULT_SECONDS}",
            )
        sql = self.sql or self._read_file(context, position(context, "file"))
        try:
            statement = parse_statement(sql, name=self.name)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
        if self.name in statement.inputs:
            raise ConfigError(
                f"{where}: transform {self.name!r} reads itself",
                hint="Give the result another name than its input",
            )
        return build_transform(
            TransformSpec(
                name=self.name,
                statement=statement,
                keep=self.keep,
                max_runtime_seconds=self.max_runtime_seconds,
                description=self.description,
            ),
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )

    def _read_file(self, context: dg.ComponentLoadContext, where: str) -> str:
        folder = context.path if context.path.is_dir() else context.path.parent
        path = (folder / self.file).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise ConfigError(
                f"{where}: transform {self.name!r}: no file {self.file!r} beside the YAML",
                hint="Give a path below the folder of this defs.yaml",
            )
        try:
            return read_sql(path)
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"{where}: transform {self.name!r}: {self.file} is not UTF-8",
                hint="Save it as UTF-8",
            ) from error


def read_sql(path: Path) -> str:
    """A file's text, without the mark that editors on Windows put before it."""
    return path.read_text(encoding="utf-8-sig")
