"""What `waybill import` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from orchestration.cli.output import print_facts, print_json, print_table, to_size, visible

if TYPE_CHECKING:
    from orchestration.services.import_tasks.formats import TakenFormats
    from orchestration.services.import_tasks.listing import TaskPage
    from orchestration.services.import_tasks.shown import ImportTask, ItemLine
    from orchestration.services.import_tasks.steering import Answered
    from orchestration.services.paging import Page

_HOUR, _MINUTE = 3_600, 60


def print_tasks(found: TaskPage) -> None:
    """A list, and how many tasks there are in each state."""
    print_table(
        ("task", "name", "into", "via", "state", "done", "failed", "rate", "left", "created (UTC)"),
        [
            (
                *(one.id, one.name, _target(one), one.via, _state(one)),
                *(_done(one), one.failed, _rate(one), _left(one), one.created_at),
            )
            for one in found.items
        ],
    )
    counts = ", ".join(
        f"{count:,} {state.replace('_', ' ')}"
        for state, count in found.counts.items()
        if count and state != "all"
    )
    if found.total > len(found.items):
        typer.echo(f"{len(found.items):,} of {found.total:,} are shown")
    if counts:
        typer.echo(f"in all: {counts}")


def print_task(found: ImportTask, *, as_json: bool) -> None:
    """A task, and what can be done about it."""
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("task", found.id),
            ("name", found.name),
            ("into", _target(found)),
            ("from", f"{found.source_kind}: {found.source}"),
            ("by", f"{found.asked_by} ({found.via})"),
            ("state", _state(found)),
            ("waits for", found.waits_for),
            ("why", found.reason),
            ("items", _done(found)),
            ("created", found.created),
            ("updated", found.updated),
            ("unchanged", found.unchanged),
            ("duplicates", found.duplicates),
            ("failed", found.failed),
            ("rate", _rate(found)),
            ("left", _left(found)),
            ("run", found.run_id),
            ("next", found.next_step),
        ]
    )


def progress_line(found: ImportTask) -> str:
    """How far a task is, in one line."""
    if found.queued:
        return f"waits for {found.waits_for or 'its turn'}"
    parts = [found.state_title.lower(), _done(found)]
    if found.percent is not None:
        parts.append(f"{found.percent:g} %")
    if found.failed:
        parts.append(f"{found.failed:,} failed")
    parts += filter(None, [_rate(found), _left(found) and f"{_left(found)} left"])
    return "  ".join(parts)


def print_items(found: Page[ItemLine]) -> None:
    """Items, and what became of each."""
    print_table(
        ("item", "name", "state", "outcome", "rule", "message", "size", "in collection"),
        [
            (
                *(one.number, one.name, one.state, one.outcome, one.rule, one.message),
                *(to_size(one.size), one.item_id),
            )
            for one in found.items
        ],
    )
    if found.next is not None:
        typer.echo(f"there are more: --cursor {found.next}")


def print_answers(told: Sequence[Answered]) -> None:
    """What became of each of several tasks."""
    for one in told:
        state = (one.state or "gone").replace("_", " ")
        hint = f". {one.hint}" if one.hint else ""
        text = f"{one.id}: {state}" if one.ok else f"{one.id}: {one.message}{hint}"
        typer.echo(visible(text), err=not one.ok)


def print_formats(found: TakenFormats) -> None:
    """The closed list, and the limits."""
    print_table(
        ("format", "kind", "endings", "becomes"),
        [(one.title, one.group, " ".join(one.endings), one.type or "its members") for one in found.formats],
    )  # fmt: skip
    typer.echo(
        f"uploads: {to_size(found.max_bytes)} a file, {found.max_files:,} files a task;"
        f" {found.max_addresses:,} addresses a task; {found.max_pages:,} pages a crawl"
    )


def _target(found: ImportTask) -> str:
    kind = "" if found.target_kind == "collection" else f"{found.target_kind.replace('_', ' ')} "
    folder = f"/{found.folder}" if found.folder else ""
    return f"{kind}{found.target}{folder}"


def _state(found: ImportTask) -> str:
    return "Waits for its turn" if found.queued else found.state_title


def _done(found: ImportTask) -> str:
    return f"{found.settled:,}" if found.total is None else f"{found.settled:,}/{found.total:,}"


def _rate(found: ImportTask) -> str:
    return "" if found.rate is None else f"{found.rate:.3g}/s"


def _left(found: ImportTask) -> str:
    seconds = found.seconds_left
    if seconds is None:
        return ""
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _MINUTE:.0f} min" if seconds >= _MINUTE else f"{seconds:.0f} s"
