"""Questions about image folders: those that read their tables or their images. None needs the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.image_folders.content import download_images, open_image
from orchestration.services.image_folders.images import (
    ImageDetail,
    ImagePage,
    ImagesQuery,
    list_images,
    show_image,
)

DOWNLOAD_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class ImagesHead:
    """What comes behind it: a ZIP."""

    file_name: str
    version: int
    images: int


@dataclass(frozen=True)
class ImageHead:
    """What comes behind it: one image."""

    file_name: str
    media_type: str
    is_shown: bool
    size_bytes: int
    sha256: str


def _files(desk: Desk, key: list[str], wanted: Mapping[str, Any]) -> ImagePage:
    return list_images(desk.store, tuple(key), msgspec.convert(wanted, ImagesQuery))


def _show(desk: Desk, key: list[str], path: str, version: int | None = None) -> ImageDetail:
    return show_image(desk.store, tuple(key), path, version)


def _download(desk: Desk, key: list[str], version: int | None = None) -> Streamed[ImagesHead]:
    found = download_images(desk.store, tuple(key), version)
    return Streamed(ImagesHead(found.file_name, found.version, found.images), found.chunks)


def _image(
    desk: Desk, key: list[str], path: str, version: int | None = None
) -> Streamed[ImageHead]:
    found = open_image(desk.store, tuple(key), path, version)
    head = ImageHead(
        found.file_name, found.media_type, found.is_shown, found.size_bytes, found.sha256
    )
    return Streamed(head, found.chunks)


FILES = Question("image-folder.files", _files, ImagePage)
FILE = Question("image-folder.file", _show, ImageDetail)
DOWNLOAD: Question[Streamed[ImagesHead]] = Question(
    "image-folder.download", _download, Streamed, seconds=DOWNLOAD_SECONDS
)
IMAGE: Question[Streamed[ImageHead]] = Question("image-folder.image", _image, Streamed)
QUESTIONS = (FILES, FILE, DOWNLOAD, IMAGE)
