"""A look at files before anything of them is kept: typed rows, and every guess with its doubts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from orchestration.services.datasources import DatasourceTest, look_at
from orchestration.services.uploads.settings import UploadSettings
from resources.formats.first_bytes import check_first_bytes
from resources.kernel.errors import WaybillError
from resources.kernel.records import ObjectInfo
from resources.sources.local_copies import LocalCopies
from resources.sources.source import ObjectSource
from resources.stores.kept_uploads import GivenFile

UNNAMED = "upload"
"""What a dataset is called that has no name yet."""


def preview_upload(
    files: Sequence[GivenFile], settings: UploadSettings, *, rows: int = 20, name: str = UNNAMED
) -> DatasourceTest:
    """Reads the first rows of files as an import would; keeps nothing.

    Args:
        files: one, or several that make one table.
        settings: how to read them.
        rows: how many rows to show.
        name: of the dataset.

    Raises:
        ConfigError: settings that make no sense. What is wrong with the files is in the answer.
    """
    source = _GivenSource(settings.spec(name or UNNAMED), _Here(tuple(files)))
    try:
        for file in files:
            check_first_bytes(file.name, file.path, format=settings.format)
        return look_at(source, rows, with_fingerprint=False)
    except WaybillError as error:  # also of an archive of which it is not clear what to read
        spec = source.spec
        return DatasourceTest(spec.name, "", spec.target, ok=False, detail=str(error))


@dataclass(frozen=True)
class _Here:
    """Local files under the names that their users gave them."""

    files: tuple[GivenFile, ...]
    parallel_copies: int = 1
    fetches: bool = False

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:  # noqa: ARG002
        yield self.files[int(item.etag)].path


class _GivenSource(ObjectSource):
    """Files that are not kept yet, as one table."""

    _copier: _Here

    @property
    def title(self) -> str:
        """What errors call it."""
        return "the upload"

    def _find(self) -> list[ObjectInfo]:
        found = [
            ObjectInfo(file.name, file.path.stat().st_size, str(position), datetime.now(UTC))
            for position, file in enumerate(self._copier.files)
        ]
        return sorted(found, key=lambda one: (one.key, int(one.etag)))

    def _with(
        self, objects: Sequence[ObjectInfo], copies: LocalCopies | None, left_out: Sequence[str]
    ) -> Self:
        return type(self)(self.spec, self._copier, objects, copies, left_out)
