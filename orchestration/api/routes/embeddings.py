"""Embeddings: which there are, and one computed now."""

from __future__ import annotations

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.embeddings import EmbeddingSummary, list_embeddings, show_embedding
from orchestration.services.paging import Page, page_of_named
from orchestration.services.questions.embedding import COMPUTE
from orchestration.services.site.noted import noted

router = GuardedRouter()


@router.get("/projects/{project}/embeddings", operation_id="embedding.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[EmbeddingSummary]:
    """List the embeddings that the project declares, those that vectors of collections form included, and what is stored."""
    chosen = page_of_named(
        project.snapshot.embeddings, wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )
    shown = tuple(list_embeddings(chosen.items, site.store(project)))
    return Page(shown, chosen.next, chosen.total)


@router.get("/projects/{project}/embeddings/{name}", operation_id="embedding.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> EmbeddingSummary:
    """Show an embedding: where it comes from, and what its newest version holds."""
    return show_embedding(project.snapshot.embeddings, site.store(project), name)


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
