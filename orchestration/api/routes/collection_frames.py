"""Frames of videos of collections: which there are as they are sampled, and one as an image."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import Response

from orchestration.api.given import GivenAsker, Name
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import as_file, open_stream
from orchestration.services.collections.frames import MOST, FrameList
from orchestration.services.questions.frame import LIST, ONE, FrameHead
from resources.media.requests import PictureFormat

router = GuardedRouter()
BASE = "/projects/{project}/collections/{name}/items/{item}/frames"
ItemId = Annotated[int, Path(ge=1, le=2**62, description="Id of the item.")]
Rate = Annotated[
    float | None,
    Query(
        ge=0,
        le=1_000,
        description="Frames a second; 0: the first frame and the key frames. Left out: what the item's metadata say, else 1.",
    ),
]


@router.get(BASE, operation_id="collection.frames")
async def frames(
    asker: GivenAsker,
    name: Name,
    item: ItemId,
    sampling_rate: Rate = None,
    start: Annotated[int, Query(ge=0, le=2**53, description="`next` of the list before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most frames.")] = 100,
) -> FrameList:
    """List the frames of a video by number and second, as they are sampled, key frames included.

    The video is decoded up to the last of them: from the key frame before `start` on where it is an MP4 or QuickTime file whose index
    tells of every frame, else from its beginning.
    """
    return await asker.ask(LIST, name=name, item=item, rate=sampling_rate, start=start, limit=limit)


@router.get(
    f"{BASE}/{{number}}",
    operation_id="collection.frame",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "The frame"}},
)
async def frame(
    asker: GivenAsker,
    name: Name,
    item: ItemId,
    number: Annotated[int, Path(ge=0, le=10**9, description="Number of the frame, from 0 on.")],
    form: Annotated[PictureFormat, Query(description="Which kind of image.")] = "jpeg",
) -> Response:
    """A frame of a video by its number, as large as the video."""
    opening = asker.stream(ONE, FrameHead, name=name, item=item, number=number, form=form)
    head, chunks = await open_stream(opening)
    headers = {
        "Content-Length": str(head.size_bytes),
        "Waybill-Seconds": f"{head.seconds:g}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return as_file(chunks, head.file_name, media_type=head.media_type, headers=headers)
