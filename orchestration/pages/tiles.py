"""A grid of pictures: what a tile shows. `templates/collections/grid.html` draws it, for collections and image folders alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from orchestration.pages.values import visible

Sign = Literal[
    "image",
    "video",
    "audio",
    "image_group",
    "image_sequence",
    "dicom_series",
    "text",
    "pdf",
    "nifti",
    "document",
    "page",
]
"""What a tile without a picture shows instead: a sign for its type."""


@dataclass(frozen=True)
class Tile:
    """One picture of a grid.

    Args:
        href: where it leads.
        title: below the picture.
        picture: address of the thumbnail; empty: there is none.
        caption: a second, quieter line.
        sign: what stands behind the picture, and in its place where there is none.
        state: `ready`, `pending` or `failed`; empty: no state is shown.
        reason: why it failed.
        value: of the box by which it is chosen; empty: there is no box.
    """

    href: str
    title: str
    picture: str = ""
    caption: str = ""
    sign: Sign = "image"
    state: str = ""
    reason: str = ""
    value: str = ""

    @property
    def shown_title(self) -> Markup:
        """The title with what hides in it made visible; of a path, which many tiles begin alike, its last name."""
        name = self.title.rstrip("/").rpartition("/")[2] if self.title.startswith("/") else ""
        return visible(name or self.title)
