"""The form that changes an item's custom metadata."""

from __future__ import annotations

import json

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.routes.collection_items import (
    ONE,
    TEXT_BYTES,
    collection_place,
    name_given,
    number_given,
)
from orchestration.pages.values import visible
from orchestration.pages.visit import Visit
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.detail import schema_now
from orchestration.services.collections.item_changes import MetadataChanges, merge_metadata
from orchestration.services.collections.items import ShownItem, show_item
from orchestration.services.collections.metadata_form import (
    JSON_FIELD,
    MetadataField,
    as_typed,
    changes_of,
    fields_of,
)
from orchestration.services.site.collections import collections_of
from resources.kernel.errors import ConflictError, InputError


async def _form(visit: Visit) -> Response:
    return await _ask(visit)


async def _ask(
    visit: Visit,
    typed: dict[str, str] | None = None,
    error: InputError | ConflictError | None = None,
) -> Response:
    item, fields = await visit.run(_fields, visit)
    given = typed or {}
    if error is not None:
        fields = as_typed(fields, given, error)
    is_told = any(one.error for one in fields)
    text = json.dumps(item.metadata, ensure_ascii=False, indent=2)
    return await visit.render(
        "collections/item_metadata.html",
        status=200 if error is None else 409 if isinstance(error, ConflictError) else 422,
        name=name_given(visit),
        item=item,
        fields=fields,
        json=given.get(JSON_FIELD, ""),
        json_error=""
        if error is None or is_told or isinstance(error, ConflictError)
        else str(error),
        problem=str(error) if isinstance(error, ConflictError) else "",
        is_stale=isinstance(error, ConflictError),
        revision=given.get("revision", item.revision),
        metadata=visible(text[:TEXT_BYTES]),
        visible=visible,
    )


async def _save(visit: Visit) -> Response:
    typed = {name: str(value) for name, value in (await visit.form()).multi_items()}
    try:
        item = await visit.run(_merge, visit, typed)
    except (InputError, ConflictError) as error:  # what was typed stays in the form
        return await _ask(visit, typed, error)
    return visit.redirect(
        f"{collection_place(visit)}/items/{item.id}", notice="The metadata are saved"
    )


def _merge(visit: Visit, typed: dict[str, str]) -> ShownItem:
    _, fields = _fields(visit)
    keys = changes_of(fields, typed, typed.get(JSON_FIELD, ""))
    return merge_metadata(
        _collections(visit),
        visit.actor,
        name_given(visit),
        number_given(visit),
        MetadataChanges(keys, typed.get("revision", "")),
    )


def _fields(visit: Visit) -> tuple[ShownItem, tuple[MetadataField, ...]]:
    collections, name = _collections(visit), name_given(visit)
    item = show_item(collections, name, number_given(visit))
    return item, fields_of(item, schema_now(collections, collections.find(name)))


def _collections(visit: Visit) -> DeclaredCollections:
    return collections_of(visit.site, visit.project)


_PLACE = f"{ONE}/metadata"
ROUTES = [
    page("collection.merge-metadata", _PLACE, _form),
    page("collection.merge-metadata", _PLACE, _save, methods=("POST",)),
]
