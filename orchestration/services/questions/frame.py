"""Questions about frames of videos: they are decoded in a confined process."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.frames import (
    ENDINGS,
    FrameList,
    VideoOfItem,
    list_frames,
    one_frame,
    video_of,
)
from resources.media.requests import PictureFormat

_SECONDS = 600.0


@dataclass(frozen=True)
class FrameHead:
    """What comes behind it."""

    file_name: str
    media_type: str
    frame: int
    seconds: float
    size_bytes: int


def _list(
    desk: Desk, name: str, item: int, rate: float | None = None, start: int = 0, limit: int = 100
) -> FrameList:
    return list_frames(desk, _video(desk, name, item), rate, start=start, limit=limit)


def _one(
    desk: Desk, name: str, item: int, number: int, form: PictureFormat = "jpeg"
) -> Streamed[FrameHead]:
    found = one_frame(desk, _video(desk, name, item), number, form)
    head = FrameHead(
        f"frame-{number:08d}.{ENDINGS[form]}",
        f"image/{form}",
        found.number,
        found.seconds,
        len(found.data),
    )
    return Streamed(head, iter([found.data]))


def _video(desk: Desk, name: str, item: int) -> VideoOfItem:
    return video_of(DeclaredCollections.of(desk.location), name, item)


LIST = Question("frame.list", _list, FrameList, seconds=_SECONDS)
ONE: Question[Streamed[FrameHead]] = Question("frame.show", _one, Streamed, seconds=_SECONDS)
QUESTIONS = (LIST, ONE)
