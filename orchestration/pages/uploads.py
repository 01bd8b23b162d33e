"""What pages of uploads share, whatever is uploaded: the file of a plain form taken in, and how far its import is."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from orchestration.pages.visit import Visit
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.pending import PendingImport
from orchestration.services.uploads.receiving import receive_form

_ENDED = {"SUCCESS": "succeeded", "FAILURE": "failed", "CANCELED": "canceled"}


async def receive(visit: Visit) -> tuple[Incoming, dict[str, str]]:
    """Takes the file of a plain form in, onto the disk as it comes; the file, and the fields of the form.

    Raises:
        InputError: no form, no file, a file that is too large, or one that begins otherwise than its name says.
        StorageError: no room for it.
    """
    return await receive_form(
        IncomingUploads(visit.site.home),
        visit.request.headers.get("content-type", ""),
        visit.request.stream(),
        by=visit.actor.name,
        project=visit.project.name,
    )


def refused(answer: Response) -> Response:
    """An answer to a form whose body was not read to its end."""
    answer.headers["Connection"] = "close"  # the rest of the body would else be waited for
    return answer


async def show_progress(
    visit: Visit,
    found: Incoming,
    pending: PendingImport,
    *,
    made: str,
    own: str,
    back: str,
    reason: Callable[[], str] | None = None,
) -> Response:
    """How far the import of a file is.

    Args:
        visit: of the page, or of the part of it that asks for itself anew.
        found: the file.
        pending: its import.
        made: address of what is made of it.
        own: address of this page.
        back: where another try begins.
        reason: says why the run failed.
    """
    run = await visit.run(visit.site.instance.get_run_by_id, pending.run_id)
    ended = _ENDED.get(run.status.value, "") if run else ""
    if ended == "succeeded" and visit.is_fragment:
        return Response(status_code=200, headers={"HX-Redirect": made})
    return await visit.render(
        "uploads/state.html" if visit.is_fragment else "uploads/progress.html",
        found=found,
        pending=pending,
        ended=ended,
        has_run=run is not None,
        made=made,
        progress=own,
        back=back,
        reason=await visit.run(reason) if reason is not None and ended == "failed" else "",
    )
