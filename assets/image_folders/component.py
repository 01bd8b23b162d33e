"""`assets.ImageFolder` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import dagster as dg
from pydantic import Field

from assets.image_folders.build import build_image_folder, import_image_folder
from assets.image_folders.declaration import NOUN, ImageFolderSpec
from assets.noun import NounComponent, connectors_of_files
from resources.declarations import KeepsFiles
from resources.stores.resource import StoreResource


class ImageFolder(NounComponent, KeepsFiles):
    """Images of an uploaded ZIP, in folders if wanted; each file's bytes are kept once."""

    noun: ClassVar[str] = NOUN
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: products            # `waybill image-folder upload FILE.zip --name products`, or the data section
""",
        """\
name: street_signs
connectors: [landing]     # import tasks may take images from there too
keep_versions: 10
column_descriptions: {folder: The town in which they were taken}
description: Signs for the classifier
owners: ["team:vision"]
tags: {domain: traffic}
group: vision
kinds: [image]
""",
    )
    asks: ClassVar[Mapping[str, str]] = {"connectors": "connector"}
    shown_first: ClassVar[tuple[str, ...]] = ("description",)

    connectors: list[str] = Field(default_factory=list)
    """Folders, buckets and file servers from which import tasks may take ZIPs and images."""
    keep_versions: int = Field(default=3, ge=1)
    """How many versions to keep; an older one is removed a day after a newer one took its place."""
    column_descriptions: dict[str, str] = Field(default_factory=dict)
    """What columns of the table of images mean to you."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset."""
        connectors = connectors_of_files(self, context, self.connectors)
        spec = ImageFolderSpec(self.name, self.keep_versions, self.column_descriptions, connectors)
        return build_image_folder(spec, asset=self.asset_of(context, spec), execute=self.execute)

    def execute(
        self, context: dg.AssetExecutionContext, spec: ImageFolderSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Imports the ZIP that was uploaded."""
        return import_image_folder(context, spec, store)
