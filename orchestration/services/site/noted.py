"""Work that the server is asked for, noted in the audit log with what became of it."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.concurrency import run_in_threadpool

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import Change, note
from orchestration.services.site.site import Site
from resources.kernel.errors import WaybillError


async def noted(
    site: Site, actor: Actor, use_case: str, subject: str, asking: Awaitable[str], detail: str = ""
) -> str:
    """The id of the run that was started.

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
        run_id = await asking
    except WaybillError as error:
        change.outcome, change.detail = "failed", str(error)
        raise
    else:
        change.after = {"run_id": run_id}
        return run_id
    finally:
        await run_in_threadpool(note, site.catalog, actor, use_case, change)
