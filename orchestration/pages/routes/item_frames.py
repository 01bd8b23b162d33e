"""Frames of a video, as they are sampled: by number and second, each to be opened as an image."""

from __future__ import annotations

from math import isfinite, nan

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.routes.collection_items import ONE, name_given, number_given
from orchestration.pages.routes.collections import api_of
from orchestration.pages.values import visible
from orchestration.pages.visit import Visit
from orchestration.services.collections.items import show_item
from orchestration.services.questions.frame import LIST
from orchestration.services.site.collections import collections_of
from resources.kernel.errors import InputError

_SHOWN = 24
"""Frames of a page: each is a picture to be made."""


async def _frames(visit: Visit) -> Response:
    name, number = name_given(visit), number_given(visit)
    collections = collections_of(visit.site, visit.project)
    item = await visit.run(show_item, collections, name, number)
    typed, found, problem = visit.query("sampling_rate"), None, ""
    try:
        start, rate = max(visit.number("start", 0), 0), _rate(typed)
        found = await visit.ask(LIST, name=name, item=number, rate=rate, start=start, limit=_SHOWN)
    except InputError as error:
        problem = str(error)
    return await visit.render(
        "collections/item_frames.html",
        status=422 if problem else 200,
        name=name,
        item=item,
        found=found,
        problem=problem,
        rate=typed or (f"{found.sampling_rate:g}" if found else ""),
        api=api_of(visit, name, number),
        visible=visible,
    )


def _rate(typed: str) -> float | None:
    """Frames a second; those of the item when nothing was typed."""
    if not typed.strip():
        return None
    try:
        found = float(typed)
    except ValueError:
        found = nan
    if not isfinite(found):  # JSON, by which the question goes, has no such number
        raise InputError(f"{typed[:40]!r} is no number of frames a second", hint="Give 0 to 1000")
    return found


ROUTES = [page("collection.frames", f"{ONE}/frames", _frames)]
