"""Embeddings: computed now. Which there are is among what uses a dataset."""

from __future__ import annotations

from fastapi import APIRouter

from orchestration.api.answers import Started, started
from orchestration.api.given import GivenAsker, GivenProject, GivenSite, IdempotencyKey, Name
from orchestration.services.questions.embedding import COMPUTE
from orchestration.services.site.noted import noted

router = APIRouter()


@router.post(
    "/projects/{project}/embeddings/{name}/compute",
    operation_id="embedding.compute",
    status_code=202,
)
async def compute(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    key: IdempotencyKey = None,
) -> Started:
    """Compute an embedding anew from the newest version of its dataset."""
    asking = asker.ask(COMPUTE, name=name, key=key or "")
    subject = f"embeddings/{name}"
    return started(
        project.name, await noted(site, asker.actor, "embedding.compute", subject, asking)
    )
