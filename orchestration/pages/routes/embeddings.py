"""Embeddings: the list, one of them, and one computed now. Dagster's page of one shows its picture."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.declared_list import find_declaration
from orchestration.services.embeddings import (
    embedding_versions,
    find_entry,
    list_embeddings,
    show_embedding,
)
from orchestration.services.paging import Page, page_of_named
from orchestration.services.questions.embedding import COMPUTE
from orchestration.services.site.noted import noted


async def _list(visit: Visit) -> Response:
    q = visit.query("q")
    declared = visit.project.snapshot.embeddings
    chosen = page_of_named(declared, q, cursor=visit.query("cursor") or None)
    store = visit.site.store(visit.project)
    shown = tuple(await visit.run(list_embeddings, chosen.items, store))
    return await visit.render(
        "embeddings/list.html",
        page=Page(shown, chosen.next, chosen.total),
        q=q,
        declared=len(declared),
    )


async def _show(visit: Visit) -> Response:
    name, snapshot = visit.request.path_params["name"], visit.project.snapshot
    store, entry = visit.site.store(visit.project), find_entry(snapshot.embeddings, name)
    declared_by = (
        ("collection", entry.dataset) if entry.origin == "collection" else ("embedding", name)
    )
    return await visit.render(
        "embeddings/show.html",
        embedding=await visit.run(show_embedding, snapshot.embeddings, store, name),
        declaration=find_declaration(snapshot, *declared_by),
        versions=await visit.run(embedding_versions, store, name),
    )


async def _compute(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    asking = visit.ask(COMPUTE, name=name)
    subject = f"embeddings/{name}"
    run_id = await noted(visit.site, visit.actor, "embedding.compute", subject, asking)
    return visit.redirect(f"/runs/{run_id}")


ROUTES = [
    page("embedding.list", "/embeddings", _list),
    page("embedding.show", "/embeddings/{name}", _show),
    page("embedding.compute", "/embeddings/{name}/compute", _compute, methods=["POST"]),
]
