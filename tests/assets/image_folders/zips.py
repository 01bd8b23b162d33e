"""ZIPs of images as the tests make them, and an image folder of two stores."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from assets.image_folders.importing import ImageOrder, ImageReport, import_images
from resources.stores.kept_uploads import GivenFile, KeptUploads
from resources.stores.media.store import MediaStore
from resources.stores.tables import TableStore
from tests.resources.media import media_files as make

KEY = ("datasets", "photos")
PNG, JPEG = make.image("PNG"), make.noise("JPEG", (60, 40))


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


class Photos:
    """The image folder `photos` in a store of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables = TableStore.open(str(root / "store"))
        self.media = MediaStore.open(str(root / "store"))
        self.uploads = KeptUploads(self.tables)

    def upload(self, data: bytes, name: str = "photos.zip") -> int:
        number = len(self.uploads.all("photos")) + 1
        path = self.root / f"given-{number}"
        path.write_bytes(data)
        given = [GivenFile(name, path)]
        return self.uploads.keep("photos", given, upload_id=f"u{number}", by="ada").number

    def bring(self, run_id: str, attempt: int = 0, upload: int = 0) -> ImageReport:
        order = ImageOrder("photos", KEY, run_id, attempt, upload)
        return import_images(self.tables, self.media, order)

    def rows(self) -> list[dict]:
        return self.tables.read(KEY).to_table().to_pylist()

    def files(self, version: int | None = None) -> dict[str, bytes]:
        """What a version holds, byte for byte."""
        table = self.tables.read(KEY) if version is None else self.tables.read(KEY, version)
        found = {}
        for row in table.to_table().to_pylist():
            with self.media.read(row["sha256"]) as stream:
                found[row["path"]] = stream.read()
        return found

    def objects(self) -> set[str]:
        """Hashes of all bytes in the media store."""
        folder = self.root / "store" / "media" / "objects"
        return {path.name[:64] for path in folder.glob("*/*")}
