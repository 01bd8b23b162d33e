"""What was uploaded for a dataset, as a source that is imported like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from resources.kernel.errors import NotFoundError
from resources.kernel.records import ObjectInfo
from resources.sources.local_copies import Copier, LocalCopies
from resources.sources.source import LISTED_OBJECTS, ObjectSource
from resources.sources.spec import SourceSpec
from resources.stores.kept_uploads import KeptUpload, KeptUploads
from resources.stores.versions import VersionStore

UPLOAD_TAG = "waybill/upload"
"""Of a run: the number of the upload that it was started for."""
TASK = "import_task"
"""What a version remembers of the import task that made it: its id."""

_NAMED = 3


def open_upload(
    store: VersionStore,
    spec: SourceSpec,
    *,
    asked: int = 0,
    imported: int = 0,
    task: int = 0,
) -> KeptUploadSource:
    """The upload that is to be imported into the dataset that `spec` is named after.

    That is the one that was asked for, so that of two that came shortly after one another each becomes a version, and
    one that cannot be read does not take the place of the other. Else the newest: also where a later one than that
    asked for was imported already, since what is older never replaces what is newer.

    Args:
        store: where uploads are kept.
        spec: how they are read.
        asked: the number of the upload that the run was started for; 0 where it was started for none.
        imported: the number of the upload that the newest version was made of; 0 where there is none.
        task: the import task whose files it is; 0 where it is none's.

    Raises:
        NotFoundError: nothing was uploaded yet.
    """
    uploads = KeptUploads(store)
    upload = wanted_upload(uploads, spec.name, asked=asked, imported=imported)
    if upload is None:
        raise NotFoundError(
            f"dataset {spec.name}: nothing was uploaded yet",
            hint=f"Upload a file: waybill dataset upload FILE --name {spec.name}",
        )
    return KeptUploadSource(spec, upload, _Copier(uploads, upload), task=task)


def wanted_upload(
    uploads: KeptUploads, name: str, *, asked: int, imported: int
) -> KeptUpload | None:
    """The upload that is to be imported as `name`, by the rule of `open_upload`; None where there is none."""
    wanted = uploads.find(name, asked) if asked >= max(imported, 1) else None
    return wanted or uploads.newest(name)


@dataclass(frozen=True)
class _Copier:
    uploads: KeptUploads
    upload: KeptUpload
    parallel_copies: int = 4

    @property
    def fetches(self) -> bool:
        return not self.uploads.is_local(self.upload)

    def local_copy(self, item: ObjectInfo, scratch: Path) -> AbstractContextManager[Path]:  # noqa: ARG002
        return self.uploads.local_file(self.upload, item.key)


class KeptUploadSource(ObjectSource):
    """One upload, as one table. What it holds never changes: a newer upload is another source."""

    def __init__(
        self,
        spec: SourceSpec,
        upload: KeptUpload,
        copier: Copier,
        objects: Sequence[ObjectInfo] | None = None,
        copies: LocalCopies | None = None,
        *,
        task: int = 0,
    ) -> None:
        super().__init__(spec, copier, objects, copies)
        self.upload = upload
        self._task = task

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"upload {self.upload.number} of dataset {self.spec.name}"

    @property
    def origin(self) -> str:
        """Somebody's upload."""
        return "upload"

    def record(self) -> Mapping[str, object]:
        """Which upload, of which files, by whom."""
        upload = self.upload
        return {
            "upload": upload.number,
            "uploaded_by": upload.by,
            "uploaded_at": upload.created_at.isoformat(),
            **({TASK: self._task} if self._task else {}),
            "files": [
                {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
                for file in upload.files[:LISTED_OBJECTS]
            ],
        }

    def facts(self) -> Mapping[str, object]:
        """The same for people."""
        upload = self.upload
        names = [file.name for file in upload.files[:_NAMED]]
        more = len(upload.files) - len(names)
        hashes = {"sha256": upload.files[0].sha256} if len(upload.files) == 1 else {}
        return {
            "file": ", ".join(names) + (f" and {more:,} more" if more else ""),
            **hashes,
            "file size": upload.size_bytes,
            "upload": upload.number,
            "uploaded by": upload.by,
            "uploaded at": upload.created_at.isoformat(timespec="seconds"),
        }

    def _find(self) -> list[ObjectInfo]:
        found = [
            ObjectInfo(file.name, file.size_bytes, file.sha256, self.upload.created_at)
            for file in self.upload.files
        ]
        return sorted(found, key=lambda one: one.key)

    def _with(
        self,
        objects: Sequence[ObjectInfo],
        copies: LocalCopies | None,
        left_out: Sequence[str],  # noqa: ARG002 - an upload is always whole
    ) -> Self:
        return type(self)(self.spec, self.upload, self._copier, objects, copies, task=self._task)
