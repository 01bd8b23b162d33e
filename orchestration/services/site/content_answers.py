"""A file of an item as an answer: whole or in part, shown in place or saved, never run."""

from __future__ import annotations

import re
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orchestration.services.asking.client import Asker
from orchestration.services.asking.passing import attachment, open_stream
from orchestration.services.collections.contents import ContentHead, WantedPart
from orchestration.services.collections.thumbnails import ObjectRef
from orchestration.services.questions.content import READ

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_POLICY = "default-src 'none'; sandbox"


async def answer_content(
    request: Request, asker: Asker, of: ObjectRef, *, download: bool = False
) -> Response:
    """The bytes that a request asks for.

    Args:
        request: with `Range`, `If-Range`, `If-None-Match`.
        asker: asks the project's process.
        of: the file.
        download: whether it is saved whatever it is.

    Raises:
        WaybillError: what was said in place of a first byte.
    """
    part = part_of(request)
    opening = asker.stream(READ, ContentHead, of=asdict(of), part=asdict(part))
    head, chunks = await open_stream(opening)
    headers = _headers(head, of, download=download)
    if head.status in (304, 416):
        async for _ in chunks:
            pass
        return Response(status_code=head.status, headers=headers)
    headers["Content-Length"] = str(head.length)
    return StreamingResponse(chunks, head.status, headers, media_type=head.media_type)


def part_of(request: Request) -> WantedPart:
    """Which bytes a request asks for. Several parts at once, or what is no range, mean all of them (RFC 9110, 14.2)."""
    headers = request.headers
    known = tuple(
        one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")
    )
    found = _RANGE.fullmatch(headers.get("range", "").strip().lower())
    if found is None or not (found[1] or found[2]):
        return WantedPart(known=known)
    first, last = (int(one) if one else None for one in found.groups())
    if first is not None and last is not None and last < first:
        return WantedPart(known=known)
    return WantedPart(first, last, headers.get("if-range", "").strip(), known)


def _headers(head: ContentHead, of: ObjectRef, *, download: bool) -> dict[str, str]:
    saved = attachment(head.file_name)
    is_shown = head.is_shown and not download
    found = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": saved.replace("attachment", "inline", 1) if is_shown else saved,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=31536000, immutable"
        if of.sha256
        else "private, no-cache",
    }
    if head.etag:
        found["ETag"] = head.etag
    if head.status == 206:
        found["Content-Range"] = f"bytes {head.start}-{head.start + head.length - 1}/{head.size}"
    if head.status == 416:
        found["Content-Range"] = f"bytes */{head.size}"
    return found
