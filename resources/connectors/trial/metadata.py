"""What Dagster's UI shows of a connector's test: each step in a table, never a secret."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from resources.kernel.records import CheckReport, CheckStep


def check_metadata(report: CheckReport) -> dict[str, dg.MetadataValue]:
    """The steps as a table, the answer, and the facts beside it."""
    return {
        "answer": dg.MetadataValue.text(report.detail),
        "steps": steps_table(report.steps),
        **{name: dg.MetadataValue.text(value) for name, value in report.facts.items()},
    }


def steps_table(steps: Sequence[CheckStep]) -> dg.MetadataValue:
    """What was tried, in order, and what answered."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord({"step": step.name, "ok": step.ok, "answer": step.detail})
            for step in steps
        ],
        schema=dg.TableSchema(
            [dg.TableColumn("step"), dg.TableColumn("ok", "bool"), dg.TableColumn("answer")]
        ),
    )
