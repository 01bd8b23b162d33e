"""Collections looked at: the list, the items of one as pictures or as a table, what is declared of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_duration, to_kind, to_size
from orchestration.pages.tiles import Tile
from orchestration.pages.values import visible
from orchestration.pages.visit import Visit
from orchestration.services.collections.declared import (
    DeclaredCollections,
    page_of_collections,
    summary_of,
)
from orchestration.services.collections.detail import schema_now, show_collection
from orchestration.services.collections.filter_form import STATES, TYPES, FilterForm, read_form
from orchestration.services.collections.item_facets import ItemFacets, facets_of
from orchestration.services.collections.item_files import thumbnail_of
from orchestration.services.collections.item_folders import folders_in, way_to
from orchestration.services.collections.items import (
    ItemsQuery,
    ShownItem,
    list_folders,
    list_items,
)
from orchestration.services.paging import Page
from orchestration.services.site.collections import collections_of
from orchestration.services.statuses import status_of
from resources.collections.metadata_schema import MetadataSchema
from resources.kernel.errors import InputError

VIEWS = ("grid", "table")
LIMITS = (60, 120, 300)
TABLE_KEYS = 6
CELL_CHARACTERS = 120
_SORTED_KINDS = frozenset({"number", "datetime", "varchar", "enum", "boolean"})
_NOT_OF_FILTER = frozenset({"cursor", "view", "limit", "item", "page", "t"})
"""Parameters of an address that say nothing of which items are meant, and in which order."""


async def _list(visit: Visit) -> Response:
    cursor = visit.query("cursor") or None
    collections = collections_of(visit.site, visit.project)
    found = await visit.run(page_of_collections, collections, q=visit.query("q"), cursor=cursor)
    return await visit.render("collections/list.html", page=found)


async def _about(visit: Visit) -> Response:
    name, store = visit.request.path_params["name"], visit.site.store(visit.project)
    collections = collections_of(visit.site, visit.project)
    found = await visit.run(show_collection, collections, store, name)
    return await visit.render("collections/page.html", found=found, collection=found.summary)


async def _items(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    collections = collections_of(visit.site, visit.project)
    looked = await visit.run(_look, visit, collections, name)
    pictures = await _pictures(visit, name, looked["page"].items)
    view = visit.query("view")
    error = looked["error"]
    return await visit.render(
        "collections/items.html",
        status=status_of(error) if error else (200 if looked["form"].is_right else 422),
        **looked,
        tiles=tiles_of(visit, name, looked["page"].items, pictures),
        view=view if view in VIEWS else VIEWS[0],
        sort=visit.query("sort"),
        limit=_limit(visit),
        limits=LIMITS,
        filter_query=filter_query(visit),
        types=TYPES,
        all_states=STATES,
        brief=brief,
        visible=visible,
        api=lambda item_id: api_of(visit, name, item_id),
        is_filtered=not looked["form"].is_empty,
    )


def _look(visit: Visit, collections: DeclaredCollections, name: str) -> dict[str, Any]:
    """What the page shows, from the catalog alone."""
    spec = collections.find(name)
    schema = schema_now(collections, spec)
    form = read_form(visit.queries, schema)
    found: dict[str, Any] = {
        "collection": summary_of(collections, spec),
        "form": form,
        "page": Page[ShownItem]((), None, 0),
        "facets": ItemFacets(),
        "folders": [],
        "way": way_to(form.folder),
        "sorts": _sorts(schema),
        "keys": [key for key in _active(schema) if key.kind != "embedding"][:TABLE_KEYS],
        "error": None,
    }
    collection = found["collection"]
    if collection.last_import is None and not collection.items:
        return found
    found["folders"] = folders_in(list_folders(collections, name), form.folder)
    found["facets"] = facets_of(collections, name, form)
    if form.is_right:
        try:
            found["page"] = list_items(collections, name, _query(visit, form))
        except InputError as error:  # of an order or a cursor
            found["error"] = error
    return found


def _query(visit: Visit, form: FilterForm) -> ItemsQuery:
    return ItemsQuery(form.filter, visit.query("sort"), visit.query("cursor"), _limit(visit))


def _limit(visit: Visit) -> int:
    given = visit.number("limit", LIMITS[0])
    return given if given in LIMITS else LIMITS[0]


async def _pictures(visit: Visit, name: str, items: Sequence[ShownItem]) -> Mapping[int, bool]:
    """Of which items there is a picture, or may be one soon."""
    wanted = {item.id: one for item in items if (one := thumbnail_of(name, item)) is not None}
    there = await visit.site.pictures.expect(visit.project, list(wanted.values()))
    return dict(zip(wanted, there, strict=True))


def tiles_of(
    visit: Visit, name: str, items: Sequence[ShownItem], pictures: Mapping[int, bool]
) -> list[Tile]:
    """Items as tiles."""
    own, query = f"{visit.base}/collections/{quote(name, safe='')}/items", filter_query(visit)
    return [
        Tile(
            href=f"{own}/{item.id}{query}",
            title=item.title,
            picture=f"{api_of(visit, name, item.id)}/thumbnail" if pictures.get(item.id) else "",
            caption=caption_of(item),
            sign=item.type,
            state=item.state,
            reason=item.message,
            value=str(item.id),
        )
        for item in items
    ]


def brief(value: Any) -> Markup:
    """A value as a cell of the table has it: its beginning."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…")


def caption_of(item: ShownItem) -> str:
    """The type, and what tells most of it."""
    media = item.media or {}
    parts = [to_kind(item.type)]
    if item.type != "image" and len(item.urls) > 1:
        parts.append(f"{len(item.urls):,} files")
    if isinstance(seconds := media.get("duration"), (int, float)):
        parts.append(to_duration(float(seconds)))
    if isinstance(pages := media.get("num_pages"), int):
        parts.append("1 page" if pages == 1 else f"{pages:,} pages")
    if isinstance(width := media.get("width"), int) and isinstance(
        height := media.get("height"), int
    ):
        parts.append(f"{width} \u00d7 {height}")
    elif isinstance(size := media.get("file_size"), int):
        parts.append(to_size(size))
    return " · ".join(parts)


def api_of(visit: Visit, name: str, item_id: int) -> str:
    """Where the API has an item: its bytes and pictures are asked for there."""
    project, collection = quote(visit.project.name, safe=""), quote(name, safe="")
    return f"/api/v1/projects/{project}/collections/{collection}/items/{item_id}"


def filter_query(visit: Visit) -> str:
    """The part of the address that says which items are meant, and in which order."""
    kept = [
        (field, value)
        for field, value in visit.request.query_params.multi_items()
        if field not in _NOT_OF_FILTER and value
    ]
    return f"?{urlencode(kept)}" if kept else ""


def _active(schema: MetadataSchema) -> list[Any]:
    active = (key for key in schema.keys.values() if key.state == "active")
    return sorted(active, key=lambda one: one.name)


def _sorts(schema: MetadataSchema) -> list[tuple[str, str]]:
    """Orders to choose from: value of the parameter, words."""
    found = [
        ("", "as they came"),
        ("-id", "newest first"),
        ("title", "title"),
        ("-title", "title, from the end"),
        ("-changed", "changed last"),
    ]
    for key in _active(schema):
        if key.kind in _SORTED_KINDS:
            name = f'"{key.name}"'
            found += [(name, key.name), (f"-{name}", f"{key.name}, largest first")]
    return found


OWN = "/collections/{name}"
ROUTES = [
    page("collection.list", "/collections", _list),
    page("collection.items", OWN, _items),
    page("collection.show", f"{OWN}/about", _about),
]
