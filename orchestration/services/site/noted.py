"""Work that the server is asked for, noted in the audit log with what became of it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import asdict, is_dataclass
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import Change, note
from orchestration.services.site.site import Site
from resources.kernel.errors import WaybillError

R = TypeVar("R")


async def noted(
    site: Site, actor: Actor, use_case: str, subject: str, asking: Awaitable[R], detail: str = ""
) -> R:
    """What was started: the id of a run, a record that has it, or several of them.

    Args:
        site: whose audit log it is.
        actor: who asks.
        use_case: `noun.verb`.
        subject: on what: `exports/orders_out`.
        asking: starts the work.
        detail: what it is asked for with.

    Raises:
        WaybillError: it could not be started, which is noted as well.
    """
    change = Change(subject, detail)
    try:
        found = await asking
    except WaybillError as error:
        change.outcome, change.detail = "failed", str(error)
        raise
    else:
        change.after = _plain(found)
        return found
    finally:
        await run_in_threadpool(note, site.catalog, actor, use_case, change)


def _plain(found: object) -> Any:
    if is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    return list(map(_plain, found)) if isinstance(found, (tuple, list)) else {"run_id": found}
