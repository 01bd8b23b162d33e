"""A picture as an answer of a route or a page."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from orchestration.services.collections.thumbnails import PictureWanted
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site
from resources.kernel.errors import NotFoundError

_FOREVER = "private, max-age=31536000, immutable"
"""For pictures of bytes that are known by their hash."""
_A_WHILE = "private, max-age=600"
"""For those of objects that may be replaced in their place."""


async def answer_picture(
    request: Request, site: Site, project: Project, wanted: PictureWanted
) -> Response:
    """The picture, or that the client has it already.

    Raises:
        NotFoundError: there is none: of this type, or because of what is wrong with the file.
        WaybillError: what kept it from being made.
    """
    found = await site.pictures.get(project, wanted)
    if not found.data:
        reason = found.message or "its type has none"
        raise NotFoundError(f"{wanted.of.name}: there is no picture: {reason}", rule=found.rule)
    tag = f'"{hashlib.blake2b(found.data, digest_size=16).hexdigest()}"'
    headers = {
        "ETag": tag,
        "Cache-Control": _FOREVER if wanted.of.sha256 else _A_WHILE,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    known = [
        one.strip().removeprefix("W/")
        for one in request.headers.get("if-none-match", "").split(",")
    ]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type="image/webp", headers=headers)
