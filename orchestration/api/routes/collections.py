"""Collections: which there are, what each holds, single items, and what can be seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from orchestration.api.given import GivenList, GivenProject, GivenSite, Name
from orchestration.services.collections.declared import CollectionSummary, page_of_collections
from orchestration.services.collections.item_files import thumbnail_of
from orchestration.services.collections.items import (
    MOST,
    CollectionFolder,
    ItemsQuery,
    ShownItem,
    list_folders,
    list_items,
    show_item,
)
from orchestration.services.paging import Page
from orchestration.services.site.collections import collections_of
from orchestration.services.site.picture_answers import answer_picture
from resources.kernel.errors import NotFoundError

router = APIRouter()
BASE = "/projects/{project}/collections"
ItemId = Annotated[int, Path(ge=1, le=2**62, description="Id of the item.")]


@router.get(BASE, operation_id="collection.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[CollectionSummary]:
    """List the collections that the project declares, and how many items each holds."""
    return page_of_collections(
        collections_of(site, project), q=wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )


@dataclass(frozen=True)
class FilterQuery:
    """Which items, and in which order."""

    filter: Annotated[
        str,
        Query(
            max_length=10_000,
            description="`type = image and lux in 1..5 and not weather in (fog, rain)`; the page on collections has the language.",
        ),
    ] = ""
    sort: Annotated[
        str,
        Query(
            description="A field, `-` before it: largest first; as they came by default.",
            max_length=500,
        ),
    ] = ""


GivenFilter = Annotated[FilterQuery, Depends()]


@router.get(f"{BASE}/{{name}}/items", operation_id="collection.items")
def items(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    which: GivenFilter,
    cursor: Annotated[str, Query(description="`next` of the page before.", max_length=2_000)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of the page.")] = 50,
) -> Page[ShownItem]:
    """List items of a collection. Custom metadata longer than 20,000 bytes is left out: ask for the item itself."""
    query = ItemsQuery(which.filter, which.sort, cursor, limit)
    return list_items(collections_of(site, project), name, query)


@router.get(f"{BASE}/{{name}}/folders", operation_id="collection.folders")
def folders(site: GivenSite, project: GivenProject, name: Name) -> list[CollectionFolder]:
    """List the folders of a collection, and how many items each has."""
    return list_folders(collections_of(site, project), name)


@router.get(f"{BASE}/{{name}}/items/{{item}}", operation_id="collection.item")
def show(site: GivenSite, project: GivenProject, name: Name, item: ItemId) -> ShownItem:
    """Show an item whole: its URLs, metadata and state, and what is wrong with it."""
    return show_item(collections_of(site, project), name, item)


@router.get(
    f"{BASE}/{{name}}/items/{{item}}/thumbnail",
    operation_id="collection.thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "The picture"}},
)
async def thumbnail(
    request: Request, site: GivenSite, project: GivenProject, name: Name, item: ItemId
) -> Response:
    """A small picture of an item: WebP, at most 320 pixels wide and high. It is made when it is first asked for."""
    collections = collections_of(site, project)
    found = await run_in_threadpool(show_item, collections, name, item)
    wanted = thumbnail_of(name, found)
    if wanted is None:
        raise NotFoundError(
            f"item {item} of {name} has no picture", hint=found.message or "A text has none"
        )
    return await answer_picture(request, site, project, wanted)
