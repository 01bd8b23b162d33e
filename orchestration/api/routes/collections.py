"""Collections: which there are, what each holds, single items, and what can be seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body, Depends, Path, Query, Request
from fastapi.responses import Response

from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    Name,
    Revision,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.collections.declared import CollectionSummary, page_of_collections
from orchestration.services.collections.detail import CollectionDetail, show_collection
from orchestration.services.collections.item_changes import (
    MOST_AT_ONCE,
    MetadataChanges,
    merge_metadata,
    move_items,
    remove_items,
    rename_item,
)
from orchestration.services.collections.item_files import file_of, picture_of, thumbnail_of
from orchestration.services.collections.items import (
    MOST,
    CollectionFolder,
    ItemsQuery,
    ShownItem,
    list_folders,
    list_items,
    show_item,
)
from orchestration.services.collections.metadata_form import parse_changes
from orchestration.services.paging import Page
from orchestration.services.site.collections import collections_of
from orchestration.services.site.content_answers import answer_content
from orchestration.services.site.picture_answers import answer_picture
from resources.kernel.errors import NotFoundError

router = GuardedRouter()
BASE = "/projects/{project}/collections"
FileNumber = Annotated[
    int,
    Query(ge=0, le=2**31, description="Which of its files, from 0 on, in the order of its URLs."),
]
ItemIds = Annotated[
    list[int], Body(description="Ids of the items, at most 1,000.", max_length=MOST_AT_ONCE)
]
ItemId = Annotated[int, Path(ge=1, le=2**62, description="Id of the item.")]


def _item(site: GivenSite, project: GivenProject, name: Name, item: ItemId) -> ShownItem:
    return show_item(collections_of(site, project), name, item)


GivenItem = Annotated[ShownItem, Depends(_item)]


@router.get(BASE, operation_id="collection.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[CollectionSummary]:
    """List the collections that the project declares, and how many items each holds."""
    return page_of_collections(
        collections_of(site, project), q=wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )


@router.get(f"{BASE}/{{name}}", operation_id="collection.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> CollectionDetail:
    """Show a collection: what is declared of it, how many items of each type and state it holds, its metadata keys."""
    return show_collection(collections_of(site, project), site.store(project), name)


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
def show_one(found: GivenItem) -> ShownItem:
    """Show an item whole: its URLs, metadata and state, and what is wrong with it."""
    return found


@router.get(
    f"{BASE}/{{name}}/items/{{item}}/thumbnail",
    operation_id="collection.thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "The picture"}},
)
async def thumbnail(
    request: Request, site: GivenSite, project: GivenProject, name: Name, found: GivenItem
) -> Response:
    """A small picture of an item: WebP, at most 320 pixels wide and high. It is made when it is first asked for."""
    wanted = thumbnail_of(name, found)
    if wanted is None:
        raise NotFoundError(
            f"item {found.id} of {name} has no picture", hint=found.message or "A text has none"
        )
    return await answer_picture(request, site, project, wanted)


@router.get(
    f"{BASE}/{{name}}/items/{{item}}/picture",
    operation_id="collection.picture",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "The picture"}},
)
async def picture(
    request: Request,
    site: GivenSite,
    project: GivenProject,
    name: Name,
    found: GivenItem,
    file: FileNumber = 0,
    place: Annotated[
        int | None,
        Query(
            ge=0,
            le=2**31,
            description="Which page of a PDF, slice of a volume or frame of a DICOM file, from 0 on; of a video a millisecond.",
        ),
    ] = None,
) -> Response:
    """A large picture of one of an item's files: WebP, at most 1,600 pixels wide and high."""
    return await answer_picture(request, site, project, picture_of(name, found, file, place))


@router.get(
    f"{BASE}/{{name}}/items/{{item}}/content",
    operation_id="collection.content",
    response_class=Response,
    responses={
        200: {"content": {"*/*": {}}, "description": "The file"},
        206: {"content": {"*/*": {}}, "description": "The part that `Range` asks for"},
        304: {"description": "The client has it"},
        416: {"description": "It is not that long"},
    },
)
async def content(
    request: Request,
    asker: GivenAsker,
    name: Name,
    found: GivenItem,
    file: FileNumber = 0,
    download: Annotated[bool, Query(description="Save it, whatever it is.")] = False,
) -> Response:
    """One of an item's files, whole or the part that `Range` asks for.

    It is read where it lies, through the collection's connectors, or from the media store when its bytes are kept. Its type is
    told by its content; what a browser would run, such as HTML or SVG, is always saved.
    """
    return await answer_content(request, asker, file_of(name, found, file), download=download)


@router.patch(f"{BASE}/{{name}}/items/{{item}}", operation_id="collection.rename-item")
def rename(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    item: ItemId,
    title: Annotated[str, Body(embed=True, description="What it is called, 1 to 300 characters.")],
) -> ShownItem:
    """Give an item another title."""
    return rename_item(collections_of(site, project), actor, name, item, title)


async def _changes(request: Request) -> dict[str, Any]:
    """The body as it is: numbers keep their digits, and what is no JSON is refused."""
    return parse_changes((await request.body()).decode("utf-8", "replace"))


@router.patch(
    f"{BASE}/{{name}}/items/{{item}}/metadata",
    operation_id="collection.merge-metadata",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {"lux": 3.5, "note": None},
                }
            },
        }
    },
)
def merge(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    item: ItemId,
    changes: Annotated[dict[str, Any], Depends(_changes)],
    revision: Revision,
) -> ShownItem:
    """Change keys of an item's custom metadata: the body has their new values, `null` takes a key out, others stay.

    The schema judges what comes of it; all that is wrong is in `problems`. With the `revision` of the item in `If-Match`, it is refused
    if the item was changed since.
    """
    collections = collections_of(site, project)
    return merge_metadata(collections, actor, name, item, MetadataChanges(changes, revision))


@dataclass(frozen=True)
class ChangedItems:
    """How many items were changed."""

    items: int


@router.post(f"{BASE}/{{name}}/items/-/move", operation_id="collection.move-items")
def move(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    items: ItemIds,
    folder: Annotated[
        str, Body(description="Where to: `site/north`; empty: the collection itself.")
    ],
) -> ChangedItems:
    """Put items into a folder, which is made if it is not there."""
    return ChangedItems(move_items(collections_of(site, project), actor, name, items, folder))


@router.post(f"{BASE}/{{name}}/items/-/remove", operation_id="collection.remove-items")
def remove(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    items: Annotated[
        list[int],
        Body(embed=True, description="Ids of the items, at most 1,000.", max_length=MOST_AT_ONCE),
    ],
) -> ChangedItems:
    """Take items out of a collection. Their objects are not touched."""
    return ChangedItems(remove_items(collections_of(site, project), actor, name, items))
