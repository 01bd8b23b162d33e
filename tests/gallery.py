"""A collection of real media, imported from a folder by what a run does, and served: for tests of what people see of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assets.collections.declaration import CollectionSpec
from assets.collections.importing import ImportEnd, Means, WantedImport, carry_out
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.connectors.base import FileConnector
from resources.connectors.folder.connector import FolderConnector
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.media.writer import MediaWriter
from resources.stores.uploads import UploadStore
from tests.resources.media import media_files as make

KEYS = (
    MetadataKey("lux", "number"),
    MetadataKey("weather", "enum", ("fog", "rain", "sun")),
    MetadataKey("checked", "boolean"),
    MetadataKey("site.phase", "varchar"),
    MetadataKey("notes", "text"),
    MetadataKey("taken", "datetime"),
    MetadataKey("spot", "geospatial"),
    MetadataKey("vec", "embedding", size=2),
)
YAML = """
type: resources.FolderConnector
attributes: {name: lake, root: lake}
---
type: assets.MetadataSchema
attributes:
  name: site
  keys:
    - {name: lux, type: number}
    - {name: weather, type: enum, options: [fog, rain, sun]}
    - {name: checked, type: boolean}
    - {name: site.phase, type: varchar}
    - {name: notes, type: text}
    - {name: taken, type: datetime}
    - {name: spot, type: geospatial}
    - {name: vec, type: embedding, size: 2}
---
type: assets.Collection
attributes: {name: photos, connectors: [lake], metadata_schema: site, description: What the site sends}
---
type: assets.Collection
attributes: {name: copies, connectors: [lake], keep_copies: true}
---
type: assets.Collection
attributes: {name: bare, connectors: [lake], probe: never}
"""
SPECS = {
    "photos": CollectionSpec("photos", ("lake",), metadata_schema="site", schema_keys=KEYS),
    "copies": CollectionSpec("copies", ("lake",), keep_copies=True),
    "bare": CollectionSpec("bare", ("lake",), probe="never"),
}


def import_items(
    home: Path,
    name: str,
    sections: Mapping[str, Any],
    *,
    folder: str | None = None,
    connector: FileConnector | None = None,
    writer: MediaWriter | None = None,
) -> ImportEnd:
    """Imports a specification as a run of the collection does, errors of single items ignored.

    Args:
        home: the home folder, whose `lake` the URLs lead into.
        name: of the collection.
        sections: of the specification.
        folder: where items go.
        connector: which opens the URLs, when not the folder `lake`.
        writer: keeps copies.
    """
    database = CatalogDatabase.open()
    spec, schema = SPECS[name], None
    if spec.metadata_schema:
        schema = MetadataSchema(spec.metadata_schema, {key.name: key for key in spec.schema_keys})
        MetadataCatalog(database).declare(spec.metadata_schema, spec.schema_keys, "project")
    path = home / "spec.json"
    path.write_text(json.dumps(sections), encoding="utf-8")
    kept = UploadStore.open().stage(path, limit=1_000_000_000)
    means = Means(
        catalog=CollectionCatalog(database),
        spec=spec,
        schema=schema,
        connectors={"lake": connector or FolderConnector("lake", home / "lake")},
        run_id="run",
        tell=lambda _text: None,
    )
    wanted = WantedImport(
        key=f"{name}-{kept.sha256}-{folder}",
        upload=kept.sha256,
        file_name="spec.json",
        folder=folder,
        ignore_errors=True,
        author="ada",
    )
    return carry_out(means, wanted, writer)


def fill_lake(lake: Path, files: Mapping[str, bytes]) -> None:
    """Puts files into the folder."""
    for name, data in files.items():
        path = lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def url_of(lake: Path, name: str) -> str:
    """The URL of a file of the folder."""
    return f"file://{lake.absolute()}/{name}"


def every_type(lake: Path) -> dict[str, Any]:
    """A specification with an item of each type, whose files are put into the folder."""
    slices = {f"head/{n}.dcm": data for n, data in enumerate(make.series(5, rows=48, columns=64))}
    files = {
        "red.png": make.image("PNG", (400, 300), color="red"),
        "blue.jpg": make.image("JPEG", (300, 400), color="blue"),
        "clip.webm": make.video("webm", frames=30, size=(160, 120)),
        "tone.wav": make.sound("wav"),
        "notes.txt": "Grüße\n<script>alert(1)</script>\n".encode(),
        "paper.pdf": make.pdf(3),
        "scan.nii.gz": make.nifti((16, 12, 8), packed=True),
        "g/0.png": make.image("PNG", (64, 48), color="green"),
        "g/1.png": make.image("PNG", (64, 48), color="yellow"),
        **slices,
    }
    fill_lake(lake, files)

    def at(name: str) -> str:
        return url_of(lake, name)

    def several(names: Sequence[str]) -> dict[str, str]:
        return {f"objectUrl_{n}": at(name) for n, name in enumerate(names)}

    frames = {"$waybill": {"config": {"keyframe_mode": "seconds"}, "frames": {"1": {}, "2": {}}}}
    return {
        "images": [
            {"objectUrl": at("red.png"), "title": "Red", "clientMetadata": {"lux": 3, "weather": "fog", "checked": True}},
            {"objectUrl": at("blue.jpg"), "title": "Blue", "clientMetadata": {"lux": 7.5, "weather": "sun", "spot": {"latitude": 52.5, "longitude": 13.4}}},
            {"objectUrl": at("gone.png"), "title": "Gone"},
        ],
        "videos": [{"objectUrl": at("clip.webm"), "title": "Clip", "clientMetadata": frames}],
        "audio": [{"objectUrl": at("tone.wav"), "title": "Tone"}],
        "text": [{"objectUrl": at("notes.txt"), "title": "Notes"}],
        "pdf": [{"objectUrl": at("paper.pdf"), "title": "Paper"}],
        "nifti": [{"objectUrl": at("scan.nii.gz"), "title": "Scan"}],
        "image_groups": [{"title": "Pair", **several(["g/0.png", "g/1.png"])}],
        "dicom_series": [{"title": "Head", **several(list(slices))}],
    }  # fmt: skip
