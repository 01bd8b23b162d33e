"""Items of a task: what became of each."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

ItemState = Literal["pending", "done", "skipped", "failed"]
"""`skipped`: its target has it already, and nothing was changed by it."""
Outcome = Literal["", "created", "updated", "unchanged", "duplicate"]
"""`unchanged`: the same bytes are there under the same reference; `duplicate`: under another one."""

TASK_ITEM_STATES: tuple[ItemState, ...] = get_args(ItemState)


class TaskItem(msgspec.Struct, frozen=True, gc=False):
    """One item of a task."""

    number: int
    """From 1 on, in the order in which they were listed."""
    name: str
    reference: str
    state: ItemState
    outcome: Outcome = ""
    rule: str = ""
    """Of one that failed; see `rules.py`."""
    message: str = ""
    """Why it failed, or what is worth knowing of one that did not."""
    attempts: int = 0
    size: int | None = None
    fingerprint: str = ""
    sha256: str = ""
    """In hexadecimal; empty before it was fetched."""
    changed_at: int = 0
    """Microseconds since 1970; 0: it was not taken up yet."""
    depth: int = 0
    handle: str = ""
    """See `SourceItem`."""
    target_item: int | None = None
    """The item of the collection that it became."""
