"""Pictures of media, made: several in one go, since the processes that make them take longer to start than to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestration.services.asking.frames import encode_error
from orchestration.services.asking.question import Desk, Question
from orchestration.services.collections.item_media import MediaObjects
from orchestration.services.collections.thumbnails import (
    PictureFolder,
    PictureWanted,
    make_pictures,
)
from resources.kernel.errors import WaybillError
from resources.scratch import ScratchFolder

_SECONDS = 300.0


@dataclass(frozen=True)
class MadePictures:
    """How many pictures were made, or found to be right."""

    pictures: int


def _make(desk: Desk, wanted: Sequence[Mapping[str, Any]]) -> MadePictures:
    def tell(key: str, error: WaybillError | None) -> None:
        desk.tell({"key": key, "error": None if error is None else encode_error(error).decode()})

    asked = msgspec.convert(list(wanted), list[PictureWanted])
    with ScratchFolder("media") as scratch:
        objects = MediaObjects.of_desk(desk, scratch.path)
        make_pictures(PictureFolder(desk.home), desk.project, objects.open, asked, tell)
    return MadePictures(len(asked))


MAKE = Question("thumbnail.make", _make, MadePictures, seconds=_SECONDS)
QUESTIONS = (MAKE,)
