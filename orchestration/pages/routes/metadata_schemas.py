"""Metadata schemas: the list, and an editor of keys. A change is looked at with what it means for stored values before it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.metadata_schemas.changes import WantedChange
from orchestration.services.metadata_schemas.shown import (
    SchemaRecords,
    list_schemas,
    print_schema,
    schema_history,
    show_schema,
)
from orchestration.services.questions.metadata_schema import APPLY, PREVIEW, VERIFY
from orchestration.services.site.collection_imports import schemas_of
from orchestration.services.site.noted import noted
from resources.collections.schema_changes import SCALARS
from resources.kernel.errors import ConflictError, InputError, WaybillError

_OTHER_TYPES = {"enum": "add_enum", "embedding": "add_embedding", "geospatial": "add_geospatial"}
TYPES = (*SCALARS, *_OTHER_TYPES)


async def _list(visit: Visit) -> Response:
    cursor = visit.query("cursor") or None
    found = await visit.run(list_schemas, _records(visit), q=visit.query("q"), cursor=cursor)
    return await visit.render("schemas/list.html", page=found)


async def _show(visit: Visit) -> Response:
    return await _editor(visit)


async def _history(visit: Visit) -> Response:
    name = _name(visit)
    found = await visit.run(schema_history, _records(visit), name)
    return await visit.render("schemas/history.html", name=name, steps=found)


async def _print(visit: Visit) -> Response:
    name = _name(visit)
    text = await visit.run(print_schema, _records(visit), name)
    return await visit.render("schemas/print.html", name=name, text=text)


async def _verify(visit: Visit) -> Response:
    found = await visit.ask(VERIFY, name=_name(visit))
    return await visit.render("schemas/verify.html", name=_name(visit), found=found)


async def _preview(visit: Visit) -> Response:
    """What a change would mean; the form that makes it has the revision that it was looked at with."""
    try:
        wanted = _wanted(visit.query)
        return await _previewed(visit, wanted)
    except (InputError, ConflictError) as error:
        return await _editor(visit, error)


async def _apply(visit: Visit) -> Response:
    form = await visit.form()
    wanted = _wanted(lambda field: str(form.get(field, "")))
    given = str(form.get("revision", ""))
    revision = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None
    name = _name(visit)
    asking = visit.ask(APPLY, name=name, change=asdict(wanted), revision=revision)
    detail = f"{wanted.operation} {wanted.key}"
    try:
        await noted(visit.site, visit.actor, "schema.apply", f"schemas/{name}", asking, detail)
    except ConflictError as error:  # as it would be by now, with what the other one did
        return await _previewed(visit, wanted, error)
    except InputError as error:
        return await _editor(visit, error)
    return visit.redirect(f"/schemas/{to_part(name)}", notice=f"The key {wanted.key} was changed")


async def _previewed(
    visit: Visit, wanted: WantedChange, error: WaybillError | None = None
) -> Response:
    found = await visit.ask(PREVIEW, name=_name(visit), change=asdict(wanted))
    return await visit.render(
        "schemas/preview.html",
        status=409 if error else 200,
        name=_name(visit),
        wanted=wanted,
        found=found,
        error=error,
    )


async def _editor(visit: Visit, error: WaybillError | None = None) -> Response:
    shown = await visit.run(show_schema, _records(visit), _name(visit))
    return await visit.render(
        "schemas/show.html",
        status=422 if error else 200,
        one=shown,
        error=error,
        types=TYPES,
        scalars=SCALARS,
        query=visit.query,
        preview=_preview_address,
    )


def _preview_address(name: str, operation: str, key: str, *, hard: bool = False) -> str:
    query = {"operation": operation, "key": key, **({"hard": "true"} if hard else {})}
    return f"/schemas/{to_part(name)}/preview?{urlencode(query)}"


def _wanted(field: Callable[[str], str]) -> WantedChange:
    """A change as forms and addresses name it; a key that is added says its type in place of the operation.

    Raises:
        InputError: a size that is no number.
    """
    kind, operation = field("type"), field("operation")
    if not operation:
        operation = _OTHER_TYPES.get(kind, "add_scalar")
    values = tuple(line.strip() for line in field("values").splitlines() if line.strip())
    size = field("size").strip() if operation == "add_embedding" else ""
    if size and not (size.isascii() and size.isdigit() and len(size) < 10):
        raise InputError(f"{size[:40]!r} is no size", hint="1 to 4096 numbers")
    return WantedChange(
        operation=operation,  # type: ignore[arg-type]  # refused where it is none
        key=field("key").strip(),
        data_type=kind if operation == "add_scalar" else "",
        values=values,
        size=int(size or 0),
        hard=field("hard") == "true",
    )


def _records(visit: Visit) -> SchemaRecords:
    return schemas_of(visit.site, visit.project)


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


_OWN = "/schemas/{name}"
ROUTES = [
    page("schema.list", "/schemas", _list),
    page("schema.show", _OWN, _show),
    page("schema.history", f"{_OWN}/history", _history),
    page("schema.print", f"{_OWN}/print", _print),
    page("schema.verify", f"{_OWN}/verify", _verify),
    page("schema.preview", f"{_OWN}/preview", _preview),
    page("schema.apply", f"{_OWN}/changes", _apply, methods=("POST",)),
]
