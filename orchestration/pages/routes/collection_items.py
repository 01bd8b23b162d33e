"""One item of a collection looked at, and items renamed, moved, removed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_duration, to_number, to_size
from orchestration.pages.routes.collections import OWN, api_of, filter_query
from orchestration.pages.values import shown, visible
from orchestration.pages.visit import Visit
from orchestration.services.collections.contents import ContentHead
from orchestration.services.collections.declared import DeclaredCollections, summary_of
from orchestration.services.collections.detail import schema_now
from orchestration.services.collections.filter_form import read_form
from orchestration.services.collections.item_changes import (
    MOST_AT_ONCE,
    move_items,
    remove_items,
    rename_item,
)
from orchestration.services.collections.item_files import file_of, name_of
from orchestration.services.collections.item_text import kept_text
from orchestration.services.collections.item_view import (
    Moment,
    declared_values,
    first_leaf,
    hint_of,
    leaf_at,
    leaf_count,
    leaf_word,
    moments_of,
    viewer_of,
)
from orchestration.services.collections.items import (
    ShownItem,
    list_folders,
    neighbours_of,
    show_item,
)
from orchestration.services.questions.content import READ
from orchestration.services.site.collections import collections_of
from resources.kernel.errors import InputError, NotFoundError, WaybillError

TEXT_BYTES = 200_000
"""Of a text, or of metadata, that a page shows; the rest is in the file."""
URLS_SHOWN = 50
VALUE_CHARACTERS = 300
_FACTS = {
    "mime_type": "File type",
    "file_size": "Size",
    "width": "Width",
    "height": "Height",
    "fps": "Frames per second",
    "duration": "Length",
    "num_pages": "Pages",
    "num_files": "Files",
    "num_frames": "Frames",
    "num_slices": "Slices",
    "num_volumes": "Volumes",
    "voxel_size": "Voxel (mm)",
    "sample_rate": "Sample rate (Hz)",
    "bit_depth": "Bits per sample",
    "codec": "Codec",
    "num_channels": "Channels",
}
"""Members of media metadata as people call them, in the order in which they are shown."""


async def _item(visit: Visit) -> Response:
    collections, name = collections_of(visit.site, visit.project), name_given(visit)
    looked = await visit.run(_look, visit, collections)
    item: ShownItem = looked["item"]
    text, problem, is_cut = "", "", False
    if viewer_of(item) == "text" and item.state != "failed":
        try:
            kept = await visit.run(kept_text, collections, item.id)
            if kept is None:
                text, is_cut = await _text(visit, name, item)
            else:
                text, is_cut = kept[:TEXT_BYTES], len(kept) > TEXT_BYTES
        except WaybillError as error:
            problem = str(error)
    return await visit.render(
        "collections/item.html",
        **looked,
        text=visible(text),
        text_is_cut=is_cut,
        text_problem=problem,
        query=filter_query(visit),
        api=api_of(visit, name, item.id),
        visible=visible,
        beginning=_beginning,
        is_moving=(item.media or {}).get("mime_type") == "image/gif" and item.type == "image",
    )


def _beginning(value: Any) -> Markup:
    """A value of the metadata, which stands below as a whole."""
    is_long = isinstance(value, str) and len(value) > VALUE_CHARACTERS
    return shown(f"{value[:VALUE_CHARACTERS]}…" if is_long else value)


def _look(visit: Visit, collections: DeclaredCollections) -> dict[str, Any]:
    """What the page shows, from the catalog alone."""
    name = name_given(visit)
    spec, item = collections.find(name), show_item(collections, name, number_given(visit))
    schema = schema_now(collections, spec)
    form = read_form(visit.queries, schema)
    beside = neighbours_of(
        collections, name, item.id, form.filter if form.is_right else "", visit.query("sort")
    )
    count, leaf = leaf_count(item), max(visit.number("page", first_leaf(item)), 1)
    metadata = json.dumps(item.metadata, ensure_ascii=False, indent=2) if item.metadata else ""
    return {
        "collection": summary_of(collections, spec),
        "item": item,
        "beside": beside,
        "viewer": viewer_of(item),
        "leaf": leaf,
        "leaf_count": count,
        "leaf_word": leaf_word(item),
        "leaf_place": leaf_at(item, leaf),
        "moments": moments_of(item),
        "start": _start(visit, moments_of(item)),
        "facts": _facts(item),
        "values": declared_values(item, schema),
        "metadata": visible(metadata[:TEXT_BYTES]),
        "metadata_is_cut": len(metadata) > TEXT_BYTES,
        "files": [(number, name_of(url), url) for number, url in enumerate(item.urls[:URLS_SHOWN])],
        "hint": hint_of(item),
    }


async def _text(visit: Visit, name: str, item: ShownItem) -> tuple[str, bool]:
    """The beginning of a text, and whether there is more."""
    of, part = file_of(name, item, 0), {"first": 0, "last": TEXT_BYTES - 1}
    asking = visit.asker().stream(READ, ContentHead, of=_plain(of), part=part)
    async with asking as stream:
        data = b"".join([chunk async for chunk in stream.chunks])
    # HTML and the like never go out as what they are
    is_plain = stream.head.media_type.startswith("text/")
    if not is_plain and b"\0" in data:
        return "This is not a text. Save the file to open it elsewhere.", False
    charset = stream.head.media_type.rpartition("=")[2] if is_plain else "utf-8-sig"
    return data.decode(charset, "replace"), stream.head.size > len(data)


def _plain(of: Any) -> dict[str, Any]:
    return {field: getattr(of, field) for field in of.__dataclass_fields__}


def _start(visit: Visit, moments: list[Moment]) -> str:
    """Where a video begins, as its address says: a moment that its metadata names."""
    given = visit.query("t")
    return given if given in {f"{one.seconds:g}" for one in moments} else ""


def _facts(item: ShownItem) -> list[tuple[str, str]]:
    media = item.media or {}
    return [
        (label, _fact(name, media[name]))
        for name, label in _FACTS.items()
        if media.get(name) is not None
    ]


def _fact(name: str, value: Any) -> str:
    if isinstance(value, list):
        return " × ".join(
            f"{one:g}" if isinstance(one, (int, float)) else str(one) for one in value
        )
    if not isinstance(value, (int, float)):
        return str(value)
    if name == "file_size":
        return to_size(int(value))
    if name == "duration":
        return to_duration(float(value))
    return f"{value:g}" if isinstance(value, float) else to_number(value)


async def _rename_form(visit: Visit) -> Response:
    return await _ask_for_title(visit)


async def _ask_for_title(visit: Visit, status: int = 200, **given: Any) -> Response:
    collections = collections_of(visit.site, visit.project)
    item = await visit.run(show_item, collections, name_given(visit), number_given(visit))
    values = {"title": item.title, "problem": "", **given}
    return await visit.render(
        "collections/item_rename.html",
        status=status,
        name=name_given(visit),
        item=item,
        visible=visible,
        **values,
    )


async def _rename(visit: Visit) -> Response:
    title = str((await visit.form()).get("title", ""))
    collections = collections_of(visit.site, visit.project)
    try:
        item = await visit.run(
            rename_item, collections, visit.actor, name_given(visit), number_given(visit), title
        )
    except InputError as error:  # what was typed stays in the form
        return await _ask_for_title(visit, 422, title=title, problem=str(error))
    return visit.redirect(f"{collection_place(visit)}/items/{item.id}", notice="The title is saved")


async def _move_form(visit: Visit) -> Response:
    return await _ask(visit, "move")


async def _remove_form(visit: Visit) -> Response:
    return await _ask(visit, "remove")


async def _ask(visit: Visit, what: str, status: int = 200, **given: Any) -> Response:
    """Which items are meant, and what becomes of them."""
    collections, name = collections_of(visit.site, visit.project), name_given(visit)
    ids = given.pop("ids", None) or _ids(visit.queries("item"))
    items = await visit.run(_some, collections, name, ids)
    folders = await visit.run(list_folders, collections, name)
    values = {"folder": items[0].folder if items else "", "problem": "", **given}
    return await visit.render(
        f"collections/items_{what}.html",
        status=status,
        name=name,
        items=items,
        folders=[one.path for one in folders if one.path][:MOST_AT_ONCE],
        visible=visible,
        **values,
    )


def _some(collections: DeclaredCollections, name: str, ids: list[int]) -> list[ShownItem]:
    found = []
    for number in ids:
        try:
            found.append(show_item(collections, name, number))
        except NotFoundError:
            continue  # removed meanwhile
    return found


async def _move(visit: Visit) -> Response:
    form = await visit.form()
    ids, folder = _ids([str(one) for one in form.getlist("item")]), str(form.get("folder", ""))
    collections = collections_of(visit.site, visit.project)
    try:
        moved = await visit.run(
            move_items, collections, visit.actor, name_given(visit), ids, folder
        )
    except InputError as error:
        return await _ask(visit, "move", 422, ids=ids, folder=folder, problem=str(error))
    told = f"{_counted(moved)} moved to {folder.strip('/') or '/'}"
    where = f"?folder={quote(folder.strip('/'))}" if folder.strip("/") else ""
    return visit.redirect(f"{collection_place(visit)}{where}", notice=told)


async def _remove(visit: Visit) -> Response:
    ids = _ids([str(one) for one in (await visit.form()).getlist("item")])
    collections = collections_of(visit.site, visit.project)
    try:
        removed = await visit.run(remove_items, collections, visit.actor, name_given(visit), ids)
    except InputError as error:
        return await _ask(visit, "remove", 422, ids=ids, problem=str(error))
    return visit.redirect(collection_place(visit), notice=f"{_counted(removed)} removed")


def _counted(count: int) -> str:
    return "1 item was" if count == 1 else f"{count:,} items were"


def _ids(given: list[str] | tuple[str, ...]) -> list[int]:
    """Ids of an address or a form; what is none is left out."""
    plain = [one for one in given if one.isascii() and one.isdigit() and len(one) < 19]
    return list(dict.fromkeys(map(int, plain)))[:MOST_AT_ONCE]


def name_given(visit: Visit) -> str:
    """The collection of an address."""
    return str(visit.request.path_params["name"])


def number_given(visit: Visit) -> int:
    """The item of an address.

    Raises:
        NotFoundError: it is no number.
    """
    given = str(visit.request.path_params["item"])
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise NotFoundError(f"{given[:40]!r} is no item", hint="Items are numbers")
    return int(given)


def collection_place(visit: Visit) -> str:
    """The address of an item's collection."""
    return f"/collections/{quote(name_given(visit), safe='')}"


ONE = f"{OWN}/items/{{item}}"
_POST = ("POST",)
ROUTES = [
    page("collection.item", ONE, _item),
    page("collection.rename-item", f"{ONE}/rename", _rename_form),
    page("collection.rename-item", f"{ONE}/rename", _rename, methods=_POST),
    page("collection.move-items", f"{OWN}/move", _move_form),
    page("collection.move-items", f"{OWN}/move", _move, methods=_POST),
    page("collection.remove-items", f"{OWN}/remove", _remove_form),
    page("collection.remove-items", f"{OWN}/remove", _remove, methods=_POST),
]
