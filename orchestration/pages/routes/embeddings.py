"""Embeddings: computed now, from the menu of a dataset. Dagster's page of one shows its picture."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.questions.embedding import COMPUTE
from orchestration.services.site.noted import noted


async def _compute(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    asking = visit.ask(COMPUTE, name=name)
    subject = f"embeddings/{name}"
    run_id = await noted(visit.site, visit.actor, "embedding.compute", subject, asking)
    return visit.redirect(f"/runs/{run_id}")


ROUTES = [page("embedding.compute", "/embeddings/{name}/compute", _compute, methods=["POST"])]
