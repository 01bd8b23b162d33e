"""From a set's declaration to its asset: a run takes a file in, goes back to a version, or shows what holds.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel

from assets.boundary import boundary
from assets.classifications.applying import (
    Applied,
    FileOrder,
    apply_file,
    reject_file,
    too_large,
    undo,
)
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.publishing import publish
from assets.classifications.schema import Encoding, ParseOptions, find_encoding
from assets.classifications.task_files import apply_files
from assets.logical_run import PARENT_TAG, logical_run
from assets.noun import asset_definition
from assets.table_asset import finish_table, table_result
from assets.task_run import TASK_FIELDS, task_metadata, work_on
from resources.import_tasks.definition import Target
from resources.kernel.errors import ConfigError
from resources.scratch import ScratchFolder
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.records import FileEntry
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore
from resources.stores.ui_metadata import (
    escape_markdown,
    markdown_table,
    shown_seconds,
)
from resources.stores.uploads import UploadStore, open_regular, sha256_of

SHOWN_WARNINGS = 20


class SetRunConfig(BaseModel):
    """What a run does: takes an upload, takes an object, goes back. Nothing of these: it publishes what holds."""

    upload: str = ""
    """SHA-256 of a file that was handed in."""
    object_key: str = ""
    """Or the key of a file in the place that the set watches ..."""
    object_etag: str = ""
    """... and what it was when it was seen. Without it, the file is taken even if nothing in it changed."""
    undo_to: int = -1
    """Or the version to go back to."""
    file_name: str = ""
    """Name of an upload; its ending decides the format."""
    author: str = ""
    encoding: str = ""
    """utf8 or latin1; the set's own by default."""
    list_delimiter: str = ""
    """Between the elements of a list cell; the set's own by default."""
    blank_clears: bool | None = None
    """Whether a blank cell clears the stored value; the set's own by default."""


# Plain types, no `dg.Config`: its fields may be taken from any variable of the server's environment.
_RUN_CONFIG = {
    "upload": dg.Field(str, default_value=""),
    "object_key": dg.Field(str, default_value=""),
    "object_etag": dg.Field(str, default_value=""),
    "undo_to": dg.Field(int, default_value=-1),
    "file_name": dg.Field(str, default_value=""),
    "author": dg.Field(str, default_value=""),
    "encoding": dg.Field(str, default_value=""),
    "list_delimiter": dg.Field(str, default_value=""),
    "blank_clears": dg.Field(dg.Noneable(bool), default_value=None),
    **TASK_FIELDS,
}


def keep_set(
    context: dg.AssetExecutionContext,
    spec: ClassificationSpec,
    store: StoreResource,
    catalog: CatalogResource,
) -> dg.MaterializeResult[None]:
    """Does what the run was asked for, or works on an import task, and publishes what holds then."""
    started = time.monotonic()
    given = context.op_execution_context.op_config
    config = SetRunConfig(**{name: given[name] for name in given if name not in TASK_FIELDS})
    of_task: Mapping[str, Any] = {}
    with boundary():
        classifications, tables = catalog.classifications(), store.tables()
        with classifications.lock(spec.name):
            with work_on(
                context, catalog, Target("classification_set", spec.name), spec.connectors
            ) as run:
                if run is not None:
                    options = parse_options(spec, **run.task.definition.options.form)
                    applied = apply_files(run, classifications, tables, spec, options)
                    of_task = task_metadata(run)
            if not of_task:
                applied = _apply(_Run(context, spec, config, classifications, tables))
            version = publish(
                classifications,
                tables,
                spec,
                run_id=context.run.run_id,
                attempt=context.retry_number,
                rows=applied.rows if applied else None,
            )
        table = finish_table(context, spec, tables, version.number)
    metadata: dict[str, Any] = {"seconds": shown_seconds(time.monotonic() - started)}
    metadata |= of_task or (_entry_metadata(applied.entry) if applied else {})
    return table_result(table, metadata, descriptions=spec.column_descriptions)


Execute = Callable[
    [dg.AssetExecutionContext, ClassificationSpec, StoreResource, CatalogResource],
    dg.MaterializeResult[None],
]


def build_classification_set(
    spec: ClassificationSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = keep_set
) -> dg.Definitions:
    """The asset `("datasets", name)` in the group `classifications`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """
    watched = {spec.files.connector} if spec.files else set()

    # The connector's key is known only now, and Dagster takes resources either by key or as arguments.
    @asset_definition(
        asset or spec.asset_spec(),
        required_resource_keys={"store", "catalog", *watched, *spec.connectors},
        config_schema=_RUN_CONFIG,
    )
    def _take(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store, context.resources.catalog)

    return dg.Definitions(assets=[_take])


@dataclass(frozen=True)
class _Run:
    """What a run works on."""

    context: dg.AssetExecutionContext
    spec: ClassificationSpec
    config: SetRunConfig
    catalog: ClassificationCatalog
    store: TableStore


def _apply(run: _Run) -> Applied | None:
    context, spec, config = run.context, run.spec, run.config
    wanted = [bool(config.upload), bool(config.object_key), config.undo_to >= 0]
    if sum(wanted) > 1:
        raise ConfigError(
            f"classification set {spec.name}: a run does one thing",
            hint="Give one of `upload`, `object_key` and `undo_to`",
        )
    if not any(wanted):
        return None
    run_id, _ = logical_run(context)
    by_hand = PARENT_TAG in context.run.tags and run_id == context.run.run_id
    if config.undo_to >= 0:
        return undo(
            run.catalog, run.store, spec, config.undo_to, run_id=run_id, author=config.author
        )
    try:
        order = FileOrder(
            run_id=run_id,
            file_name=config.object_key or config.file_name,
            sha256=config.upload,
            size_bytes=0,
            author=config.author,
            options=parse_options(
                spec, config.encoding, config.list_delimiter, blank_clears=config.blank_clears
            ),
            is_watched=bool(config.object_etag) and not by_hand,
        )
        return _apply_file(run, order)
    except _ReplacedError as error:
        context.log.warning(
            "%s was replaced after it was seen: its new content has a run of its own", error
        )
        return None


class _ReplacedError(Exception):
    """The file is another one than the one seen."""


class _TooLargeError(Exception):
    """The file is not fetched."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def _apply_file(run: _Run, order: FileOrder) -> Applied:
    spec = run.spec
    try:
        with _file(run.context, spec, run.config) as path, open_regular(path) as stream:
            sha256, size_bytes = run.config.upload or sha256_of(path), path.stat().st_size
            order = replace(order, sha256=sha256, size_bytes=size_bytes)
            return apply_file(run.catalog, run.store, spec, stream, order)
    except _TooLargeError as error:
        order = replace(order, size_bytes=error.size_bytes)
        verdict = too_large(error.size_bytes, spec.schema.max_bytes)
        return reject_file(run.catalog, spec, order, verdict)


def parse_options(
    spec: ClassificationSpec,
    encoding: str = "",
    list_delimiter: str = "",
    *,
    blank_clears: bool | None = None,
) -> ParseOptions:
    """How a file of the set is read: as the set says, unless an upload chooses otherwise (F134).

    Raises:
        ConfigError: an unknown encoding or delimiter.
    """
    if encoding and find_encoding(encoding) is None:
        raise ConfigError(
            f"encoding {encoding!r} is not known", hint=f"Known: {', '.join(Encoding)}"
        )
    return ParseOptions.for_set(
        spec.schema,
        encoding=encoding or None,
        list_delimiter=list_delimiter or None,
        blank_clears=blank_clears,
    )


@contextmanager
def _file(
    context: dg.AssetExecutionContext, spec: ClassificationSpec, config: SetRunConfig
) -> Iterator[Path]:
    if config.upload:
        with UploadStore.open().read(config.upload) as path:
            yield path
        return
    if spec.files is None:
        raise ConfigError(
            f"classification set {spec.name} watches no place, so it has no object {config.object_key!r}",
            hint="Declare `files:` with a connector and a path",
        )
    connector = getattr(context.resources, spec.files.connector).files()
    found = connector.stat(config.object_key)
    if config.object_etag and found.etag != config.object_etag:
        raise _ReplacedError(config.object_key)
    if found.size_bytes > spec.schema.max_bytes:
        raise _TooLargeError(found.size_bytes)
    with (
        ScratchFolder("classification") as scratch,
        connector.local_copy(found, scratch.path) as path,
    ):
        yield path


def _entry_metadata(entry: FileEntry) -> dict[str, Any]:
    facts = entry.facts
    metadata: dict[str, Any] = {
        "file": facts.name,
        "author": facts.author,
        "set version": entry.version,
        "outcome": entry.outcome,
        "sha256": facts.sha256,
        **{f"keys {kind}": facts.counts.get(kind, 0) for kind in ("new", "updated", "deleted")},
    }
    for name in ("cleared", "lines", "modified_lines", "lines_without_effect", "warnings"):
        if name in facts.counts:
            metadata["keys cleared" if name == "cleared" else name.replace("_", " ")] = (
                facts.counts[name]
            )
    if warnings := facts.details.get("warnings"):
        metadata["first warnings"] = dg.MetadataValue.md(_warning_table(warnings))
    return metadata


def _warning_table(warnings: list[Mapping[str, Any]]) -> str:
    return markdown_table(
        ("row", "rule", "message"),
        [
            [str(w["row"]), escape_markdown(w["rule"]), escape_markdown(w["message"], 160)]
            for w in warnings[:SHOWN_WARNINGS]
        ],
    )
