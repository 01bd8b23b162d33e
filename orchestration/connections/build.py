"""Two jobs for the Launchpad: try a connector or look into it, and look at a data source without importing it.

Their configuration holds names and places only (T24), and takes none of them from the environment: `IntSource` and the
like would show every user who may launch a run the values of the server's variables. Neither job takes connectors as resources: a run would open
all of them, and one variable that is not set would stop the test of every other connector.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from orchestration.location import Location
from orchestration.services.connectors import (
    BROWSE_LIMIT,
    CONNECTOR_JOB,
    Browsed,
    ConnectorTest,
    browse_connector,
    check_connector,
)
from orchestration.services.datasources import (
    DATASOURCE_JOB,
    PREVIEW_LIMIT,
    DatasourceTest,
    preview_datasource,
)
from resources.connectors.trial.metadata import check_metadata
from resources.failures import boundary
from resources.kernel.records import CheckReport
from resources.stores.ui_metadata import SAMPLE_COLUMNS, escape_markdown, markdown_table

_SHOWN_ENTRIES = 200
_CELL = 160


def build_connection_jobs(location: Location) -> list[dg.JobDefinition]:
    """The jobs for what the project declares; none for nouns of which there are none."""
    connectors, datasources = list(location.connectors()), list(location.datasources())
    jobs = []
    if connectors:
        jobs.append(_connector_job(location, connectors))
    if datasources:
        jobs.append(_datasource_job(location, datasources))
    return jobs


def _connector_job(location: Location, names: Sequence[str]) -> dg.JobDefinition:
    @dg.op(
        name="check_connector",
        description="Name resolution, port, TLS, login, rights: tries each, then looks into a place if one is given",
        out=dg.Out(dg.Nothing),
        config_schema={
            "connector": dg.Field(_choice("ConnectorName", names), description="Which connector"),
            "browse": dg.Field(
                str,
                is_required=False,
                description="A place to look into, as an earlier list shows it; '' is the top",
            ),
            "limit": dg.Field(
                int,
                default_value=_SHOWN_ENTRIES,
                description=f"Most entries to show, up to {BROWSE_LIMIT}",
            ),
        },
    )
    def _check(context: dg.OpExecutionContext) -> dg.Output[None]:
        config = context.op_config
        with boundary():
            tested = check_connector(location, config["connector"])
        metadata = _test_metadata(tested)
        if not tested.ok:
            raise dg.Failure(
                f"connector {tested.name!r} does not answer as it should: {tested.detail}",
                metadata=metadata,
                allow_retries=False,
            )
        if config.get("browse") is not None:
            with boundary():
                found = browse_connector(
                    location, tested.name, config["browse"], limit=config["limit"]
                )
            metadata |= _browsed_metadata(found)
        return dg.Output(None, metadata=metadata)

    @dg.job(
        name=CONNECTOR_JOB,
        description="Tries a connector and shows each step; give `browse` to look into it. Launch it from the Launchpad",
        config=_filled_in(_check, "connector", names),
    )
    def _job() -> None:
        _check()

    return _job


def _datasource_job(location: Location, names: Sequence[str]) -> dg.JobDefinition:
    @dg.op(
        name="look_at_datasource",
        description="Types, first rows and guesses of a data source; imports nothing",
        out=dg.Out(dg.Nothing),
        config_schema={
            "datasource": dg.Field(
                _choice("DatasourceName", names), description="Which data source"
            ),
            "rows": dg.Field(
                int,
                default_value=20,
                description=f"How many rows to show, up to {PREVIEW_LIMIT}",
            ),
            "fingerprint": dg.Field(
                bool,
                is_required=False,
                description="Whether to take the fingerprint too, for which some databases read all rows;"
                " left out: of files, not of tables and queries",
            ),
        },
    )
    def _look(context: dg.OpExecutionContext) -> dg.Output[None]:
        config = context.op_config
        with boundary():
            spec = location.datasource(config["datasource"])
            found = preview_datasource(
                location, spec, rows=config["rows"], with_fingerprint=config.get("fingerprint")
            )
        if not found.ok:
            raise dg.Failure(found.detail, metadata={"target": found.target}, allow_retries=False)
        for warning in found.warnings:
            context.log.warning(warning)
        return dg.Output(None, metadata=_preview_metadata(found))

    @dg.job(
        name=DATASOURCE_JOB,
        description="Shows what an import of a data source would bring. Launch it from the Launchpad",
        config=_filled_in(_look, "datasource", names),
    )
    def _job() -> None:
        _look()

    return _job


def _choice(kind: str, names: Iterable[str]) -> dg.Enum:
    """A name that the Launchpad completes and checks.

    Dagster keeps configurations by the names of their types, so other names need another type.
    """
    known = sorted(names)
    digest = hashlib.sha256("\0".join(known).encode()).hexdigest()[:8]
    return dg.Enum(f"{kind}_{digest}", [dg.EnumValue(name) for name in known])


def _filled_in(op: dg.OpDefinition, field: str, names: Sequence[str]) -> dict[str, Any]:
    """What the Launchpad opens with: its own "scaffold" writes all choices into one text, which is none of them."""
    return {"ops": {op.name: {"config": {field: min(names)}}}}


def _test_metadata(found: ConnectorTest) -> dict[str, dg.MetadataValue]:
    report = CheckReport(found.ok, found.detail, found.facts, found.steps)
    return {**check_metadata(report), "seconds": dg.MetadataValue.float(found.seconds)}


def _browsed_metadata(found: Browsed) -> dict[str, dg.MetadataValue]:
    shown = found.entries[:_SHOWN_ENTRIES]
    rows = [
        [
            escape_markdown(entry.path, _CELL),
            entry.kind,
            "" if entry.size_bytes is None else f"{entry.size_bytes:,}",
            "" if entry.rows is None else f"{entry.rows:,}",
            "" if entry.modified_at is None else entry.modified_at.isoformat(),
        ]
        for entry in shown
    ]
    header = ("path", "kind", "bytes", "rows (estimate)", "changed")
    return {
        "path": dg.MetadataValue.text(found.path or "(top)"),
        "entries": dg.MetadataValue.md(markdown_table(header, rows)),
        "shown": dg.MetadataValue.text(
            f"{len(shown)} entries"
            + (", there are more" if found.is_cut or len(found.entries) > len(shown) else "")
        ),
    }


def _preview_metadata(found: DatasourceTest) -> dict[str, dg.MetadataValue]:
    columns = found.columns[:SAMPLE_COLUMNS]
    header = [escape_markdown(f"{name} ({kind})", _CELL) for name, kind in columns]
    rows = [
        [
            escape_markdown("" if value is None else str(value), _CELL)
            for value in row[:SAMPLE_COLUMNS]
        ]
        for row in found.rows
    ]
    metadata: dict[str, dg.MetadataValue] = {
        "target": dg.MetadataValue.text(found.target),
        "read": dg.MetadataValue.text(found.detail),
        "rows": dg.MetadataValue.md(markdown_table(header, rows)),
        "facts": dg.MetadataValue.json(dict(found.facts)),
        "seconds": dg.MetadataValue.float(found.seconds),
    }
    if found.fingerprint:
        metadata["fingerprint"] = dg.MetadataValue.text(found.fingerprint)
    if found.guesses:
        guesses = [
            [escape_markdown(text, _CELL) for text in (g.subject, g.value, g.reason, g.override)]
            for g in found.guesses
        ]
        metadata["guesses"] = dg.MetadataValue.md(
            markdown_table(("guessed", "value", "because", "to settle it"), guesses)
        )
    return metadata
