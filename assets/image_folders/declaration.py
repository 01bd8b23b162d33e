"""What a project declares of an image folder, as one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.noun import make_asset_spec
from resources.kernel.keys import IMAGE_FOLDER, Key, asset_key

NOUN = ORIGIN = IMAGE_FOLDER
"""What it is called, and what the manifest of a version, and the metadata of the asset, say of where it comes from."""


@dataclass(frozen=True)
class ImageFolderSpec:
    """An image folder as declared.

    Args:
        name: of the folder, and of the table of its images.
        keep_versions: how many versions stay in the store.
        column_descriptions: by column of the table.
        connectors: where import tasks may take images from.
    """

    name: str
    keep_versions: int = 3
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    connectors: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Asset key. Tables that Waybill keeps are all below `datasets`, so SQL and Python find it."""
        return asset_key("datasets", self.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"image"},
            called=NOUN,
            group_name="image_folders",
            description=f"Image folder {self.name}: images of an uploaded ZIP",
            metadata={"origin": ORIGIN},
        )
