"""The bytes of files of items, a part at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.collections.contents import ContentHead, WantedPart, read_content
from orchestration.services.collections.item_media import MediaObjects
from orchestration.services.collections.thumbnails import ObjectRef

_SECONDS = 3600.0
"""A client may be slow: a video is read while it plays."""


def _read(desk: Desk, of: Mapping[str, Any], part: Mapping[str, Any]) -> Streamed[ContentHead]:
    asked = msgspec.convert(of, ObjectRef), msgspec.convert(part, WantedPart)
    return read_content(partial(MediaObjects.of_desk, desk), *asked)


READ = Question("content.read", _read, Streamed[ContentHead], seconds=_SECONDS)
QUESTIONS = (READ,)
