"""Which files a task takes: one closed list, which API, pages, command line and docs show.

A file is what its name *and* its content say. The ending decides here which reader gets it, in any case of letters; the
reader refuses content that is something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, get_args

import msgspec

from resources.collections.items import MediaType

FormatGroup = Literal["document", "picture", "audio", "video", "archive"]
"""How the list is shown: what people call what they have."""


class TaskFormat(msgspec.Struct, frozen=True):
    """A format that tasks take."""

    endings: tuple[str, ...]
    """Small letters, with the dot; the first one is the usual one."""
    group: FormatGroup
    type: MediaType | None
    """What an item of it is; None: it is unpacked, and its members are the items."""
    title: str
    """What people call it."""
    contents: tuple[str, ...] = ()
    """Of pictures, sound and video: what its content may be; empty: any of the group, since `.mpv` names no container."""

    @property
    def has_text(self) -> bool:
        """Whether its text is read."""
        return self.type in TEXT_TYPES


TEXT_TYPES: frozenset[str] = frozenset({"document", "page", "text", "pdf"})
"""Types of items whose text is read."""

_MPEG4 = ("video/mp4", "video/x-m4v", "video/quicktime", "video/3gpp")
"""Cameras and telephones call these by each other's endings, and players do not mind."""
_MPEG4_SOUND = ("audio/mp4", "audio/x-m4v", "audio/3gpp")

TASK_FORMATS: tuple[TaskFormat, ...] = (
    TaskFormat((".docx", ".docm"), "document", "document", "Word document"),
    TaskFormat((".pdf",), "document", "pdf", "PDF"),
    TaskFormat((".txt", ".text", ".log"), "document", "text", "Plain text"),
    TaskFormat((".md", ".markdown"), "document", "document", "Markdown"),
    TaskFormat((".json",), "document", "document", "JSON"),
    TaskFormat((".html", ".htm", ".xhtml"), "document", "document", "HTML page"),
    TaskFormat((".rtf",), "document", "document", "Rich text"),
    TaskFormat((".odt",), "document", "document", "OpenDocument text"),
    TaskFormat((".pptx", ".pptm"), "document", "document", "PowerPoint presentation"),
    TaskFormat((".xlsx", ".xlsm"), "document", "document", "Excel workbook"),
    TaskFormat((".csv", ".tsv"), "document", "document", "Table as text"),
    TaskFormat((".epub",), "document", "document", "E-book"),
    TaskFormat((".eml",), "document", "document", "E-mail"),
    TaskFormat((".png",), "picture", "image", "PNG picture", ("image/png",)),
    TaskFormat((".jpg", ".jpeg"), "picture", "image", "JPEG picture", ("image/jpeg",)),
    TaskFormat((".webp",), "picture", "image", "WebP picture", ("image/webp",)),
    TaskFormat((".tif", ".tiff"), "picture", "image", "TIFF picture", ("image/tiff",)),
    TaskFormat((".gif",), "picture", "image", "GIF picture", ("image/gif",)),
    TaskFormat((".mp3",), "audio", "audio", "MP3 sound", ("audio/mpeg",)),
    TaskFormat((".wav",), "audio", "audio", "WAV sound", ("audio/wav",)),
    TaskFormat((".flac",), "audio", "audio", "FLAC sound", ("audio/flac",)),
    TaskFormat((".ogg", ".oga"), "audio", "audio", "Ogg sound", ("audio/ogg",)),
    TaskFormat((".m4a",), "audio", "audio", "MPEG-4 sound", _MPEG4_SOUND),
    TaskFormat((".mp4", ".m4v"), "video", "video", "MPEG-4 video", _MPEG4),
    TaskFormat((".mov",), "video", "video", "QuickTime video", _MPEG4),
    TaskFormat((".mpv", ".mpg", ".mpeg"), "video", "video", "MPEG video"),
    TaskFormat((".webm",), "video", "video", "WebM video", ("video/webm", "video/x-matroska")),
    TaskFormat((".zip",), "archive", None, "ZIP archive of such files"),
)
"""In the order in which they are shown."""

_BY_ENDING: Mapping[str, TaskFormat] = {
    ending: one for one in TASK_FORMATS for ending in one.endings
}
GROUPS: tuple[FormatGroup, ...] = get_args(FormatGroup)


def format_of(name: str) -> TaskFormat | None:
    """The format of a file by the ending of its name; None: tasks do not take it.

    Args:
        name: of a file, an object's key or the path of a URL.
    """
    return _BY_ENDING.get(PurePosixPath(name.replace("\\", "/")).suffix.lower())


def endings(group: FormatGroup | None = None) -> tuple[str, ...]:
    """All endings that are taken, or those of one group, in the order in which they are shown."""
    return tuple(
        ending for one in TASK_FORMATS if group in (None, one.group) for ending in one.endings
    )


def refusal_of(name: str) -> str:
    """Why a file of this name is not taken, as one line. The list of what is stands elsewhere, once: a thousand items may have this."""
    ending = PurePosixPath(name.replace("\\", "/")).suffix
    if ending:
        return f"files that end in {ending[:20]!r} are not taken"
    return "a file without an ending is not taken: its name has to say its format"
