"""Datasets of a project: listed, uploaded, looked at, taken out, sent on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestration.client.runs import Run, started
from orchestration.client.transport import Transport, part
from orchestration.client.uploads import Uploads
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from orchestration.services.dataset_compare import Comparison
    from orchestration.services.dataset_detail import DatasetDetail
    from orchestration.services.dataset_list import DatasetSummary, DatasetTitle
    from orchestration.services.dataset_profile import DatasetProfile
    from orchestration.services.dataset_removal import RemovalReport
    from orchestration.services.dataset_sample import Sample
    from orchestration.services.dataset_uses import DatasetUses
    from orchestration.services.dataset_versions import VersionSummary, VersionTags
    from resources.drift.record import Drift

Format = Literal["csv", "zip", "parquet"]


@dataclass(frozen=True)
class DatasetVersion:
    """One version of a dataset.

    Args:
        transport: how the server is asked.
        base: the project's place.
        path: of the version.
    """

    transport: Transport
    base: str
    path: str

    def restore(self, *, key: str = "") -> Run:
        """Makes it the newest version again. No byte is copied."""
        return started(self.transport, self.base, f"{self.path}/restore", None, key=key)

    def pin(self) -> VersionTags:
        """Keeps it until it is unpinned."""
        return self._pin("PUT")

    def unpin(self) -> VersionTags:
        """Takes the pin away. What nothing else keeps is collected a day later at the earliest."""
        return self._pin("DELETE")

    def _pin(self, method: str) -> VersionTags:
        from orchestration.services.dataset_versions import VersionTags

        return self.transport.send(method, f"{self.path}/pin", VersionTags)


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    Args:
        transport: how the server is asked.
        base: the project's place.
        name: of the dataset.
    """

    transport: Transport
    base: str
    name: str

    def show(self) -> DatasetDetail:
        """State, columns, lineage, and what its newest version records."""
        from orchestration.services.dataset_detail import DatasetDetail

        return self.transport.get(self._path, DatasetDetail)

    @property
    def status(self) -> str:
        """`pending`, `queued`, `running`, `ready`, `failed`, `stopped` or `damaged`, as of now."""
        return self.show().summary.status

    def versions(self) -> list[VersionSummary]:
        """The versions that are kept, newest first."""
        from orchestration.services.dataset_versions import VersionSummary

        return self.transport.get(f"{self._path}/versions", list[VersionSummary])

    def profile(self, version: int | None = None, *, column: str = "") -> DatasetProfile:
        """Where the profile of a version stands, the newest by default, and the profile where there is one.

        Args:
            version: its number.
            column: only the facts of this one.
        """
        from orchestration.services.dataset_profile import DatasetProfile

        return self.transport.get(
            f"{self._path}/profile", DatasetProfile, version=version, column=column
        )

    def compute_profile(self, version: int | None = None, *, key: str = "") -> Run:
        """Makes the profile of a version, the newest by default, if it has none."""
        path = f"{self._path}/profile" + (f"?version={version}" if version else "")
        return started(self.transport, self.base, path, None, key=key)

    def compare(
        self, before: int | str, after: int | str = "", *, key: Sequence[str] | None = None
    ) -> Comparison:
        """What has changed from one version, or tag, to another: to the newest by default.

        Args:
            before: where to begin.
            after: the other one.
            key: columns that tell rows apart; those that the dataset declares by default; none: whole rows are compared.
        """
        from orchestration.services.dataset_compare import Comparison

        asked = {
            "from": str(before),
            "to": str(after),
            "key": [] if key is None else (list(key) or [""]),
        }
        return self.transport.get(f"{self._path}/versions/compare", Comparison, **asked)

    def drift(self, version: int | str = "", *, against: str = "", column: str = "") -> Drift:
        """How far a version, the newest by default, is from another one, column by column.

        Args:
            version: its number or a tag.
            against: `previous`, `tag:NAME`, `version:NUMBER`, `dataset:NAME` or `dataset:NAME@TAG`; what the declaration says by default.
            column: only this one.
        """
        from resources.drift.record import Drift

        asked = {"version": str(version), "against": against, "column": column}
        return self.transport.get(f"{self._path}/drift", Drift, **asked)

    def version(self, version: int | str) -> DatasetVersion:
        """One version, by its number or a tag; whether it is there is asked when something is asked of it."""
        path = f"{self._path}/versions/{part(str(version))}"
        return DatasetVersion(self.transport, self.base, path)

    def tag(self, tag: str, version: int | str = "", *, move: bool = False) -> VersionTags:
        """Gives a version a tag, the newest by default: it is never collected then.

        Raises:
            ConflictError: another version has it, and it is not to be moved.
        """
        from orchestration.services.dataset_versions import VersionTags

        body = {"version": str(version), "move": move}
        return self.transport.send("PUT", f"{self._path}/tags/{part(tag)}", VersionTags, body)

    def untag(self, tag: str) -> VersionTags:
        """Takes a tag away."""
        from orchestration.services.dataset_versions import VersionTags

        return self.transport.send("DELETE", f"{self._path}/tags/{part(tag)}", VersionTags)

    def uses(self, version: int | None = None) -> DatasetUses:
        """Which model, dataset, embedding and export used which version, newest first."""
        from orchestration.services.dataset_uses import DatasetUses

        return self.transport.get(f"{self._path}/uses", DatasetUses, version=version)

    def to_arrow(self, version: int | None = None) -> pa.Table:
        """All rows of a version, the newest by default, with the types that they are kept in."""
        import pyarrow.parquet as pq

        with tempfile.TemporaryDirectory(prefix="waybill-") as folder:
            file = self.download(Path(folder) / "rows.parquet", format="parquet", version=version)
            return pq.read_table(file)

    def to_pandas(self, version: int | None = None) -> pd.DataFrame:
        """All rows of a version, the newest by default; whole numbers with nulls stay whole numbers."""
        table = self.to_arrow(version)
        with_nulls = {
            field.type
            for field, column in zip(table.schema, table.columns, strict=True)
            if column.null_count
        }
        kept = {kind: dtype for kind, dtype in _nullable().items() if kind in with_nulls}
        found: pd.DataFrame = table.to_pandas(types_mapper=kept.get)
        return found

    def download(
        self,
        path: str | Path,
        *,
        format: Format = "csv",  # noqa: A002 - as the API has it
        version: int | None = None,
        raw: bool = False,
    ) -> Path:
        """Writes a version to a file, which is there when it is whole.

        Args:
            path: of the file; in an existing folder, it is called as the server calls it.
            format: what is written.
            version: the newest by default.
            raw: CSV: leaves texts that a spreadsheet would run as a formula as they are.

        Raises:
            ConnectorUnavailableError: the line was cut; no file is left.
        """
        target = Path(path)
        asked = {"format": format, "version": version, "raw": str(raw).lower()}
        with self.transport.stream(f"{self._path}/download", **asked) as answer:
            if target.is_dir():
                target /= f"{self.name}-v{answer.headers['Waybill-Version']}.{format}"
            self.transport.save(answer, target)
        return target

    def rename(self, *, title: str | None = None, description: str | None = None) -> DatasetTitle:
        """Gives it a title and a description for people; its name stays."""
        from orchestration.services.dataset_list import DatasetTitle

        body = {"title": title, "description": description}
        return self.transport.send("PATCH", self._path, DatasetTitle, body)

    def refresh(self, *, key: str = "") -> Run:
        """Makes it anew from what it is made of."""
        return started(self.transport, self.base, f"{self._path}/refresh", None, key=key)

    def export(self, exporter: str, *, version: int | None = None, key: str = "") -> Run:
        """Delivers it by an exporter, whichever dataset that one declares."""
        body = {"exporter": exporter, "version": version}
        return started(self.transport, self.base, f"{self._path}/export", body, key=key)

    def sample(self, rows: int = 10, *, version: int | None = None) -> Sample:
        """The first rows of a version, the newest by default; what JSON has no form for is text."""
        from orchestration.services.dataset_sample import Sample

        return self.transport.get(f"{self._path}/sample", Sample, rows=rows, version=version)

    def remove(
        self, *, force: bool = False, definition: bool = False, with_tags: bool = False
    ) -> RemovalReport:
        """Removes all its stored versions, and what declares it if that is asked for. Its source is not touched.

        Raises:
            InUseError: others are made from it, or versions are tagged or pinned, and these are not to go `with_tags`.
        """
        from orchestration.services.dataset_removal import RemovalReport

        asked = f"force={str(force).lower()}&definition={str(definition).lower()}"
        asked += f"&with_tags={str(with_tags).lower()}"
        return self.transport.send("DELETE", f"{self._path}?{asked}", RemovalReport)

    @property
    def _path(self) -> str:
        return f"{self.base}/datasets/{part(self.name)}"


def _nullable() -> dict[pa.DataType, Any]:
    """Pandas' types for whole numbers that may be missing."""
    import pandas as pd
    import pyarrow as pa

    names = [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
    return {getattr(pa, name.lower())(): getattr(pd, f"{name}Dtype")() for name in names}


@dataclass(frozen=True)
class Datasets:
    """The datasets of a project."""

    transport: Transport
    base: str

    def list(self, **filters: Any) -> Iterator[DatasetSummary]:
        """Datasets; filters as in the API: `q`, `origin`, `status` (each may be a list), `sort`."""
        from orchestration.services.dataset_list import DatasetSummary

        return self.transport.pages(f"{self.base}/datasets", DatasetSummary, **filters)

    def __getitem__(self, name: str) -> Dataset:
        """A dataset by its name; whether it is there is asked when something is asked of it."""
        return Dataset(self.transport, self.base, name)

    def upload(
        self,
        source: pd.DataFrame | pa.Table | str | Path | Sequence[str | Path],
        *,
        name: str,
        format: str = "",  # noqa: A002 - as the API has it
        options: Mapping[str, Any] | None = None,
        rename: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Dataset:
        """Uploads rows or files as a dataset, which is declared if there is none; else they become its next version.

        Args:
            source: a data frame, an Arrow table, a file, or several files of one table.
            name: of the dataset.
            format: of the files, where their names do not tell.
            options: of the format.
            rename: other names for columns.
            wait: whether to return when the rows are there.

        Raises:
            InputError: why they cannot be imported, with file, row and column.
            WaybillError: the import failed.
        """
        settings = {
            "format": format,
            "options": dict(options or {}),
            "rename": dict(rename or {}),
        }
        uploads = Uploads(self.transport, self.base)
        with tempfile.TemporaryDirectory(prefix="waybill-") as folder:
            files = _as_files(source, Path(folder), name)
            ids = [uploads.send(file) for file in files]
        run = uploads.start_import(ids, name, settings)
        if wait:
            run.wait()
        return self[name]


def _as_files(source: Any, folder: Path, name: str) -> list[Path]:
    """Files as they are, rows as a Parquet file: it keeps every type."""
    if isinstance(source, (str, Path)):
        return [Path(source)]
    if hasattr(source, "columns"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = folder / f"{Path(name).name}.parquet"
        table = source if isinstance(source, pa.Table) else pa.Table.from_pandas(source)
        pq.write_table(table.replace_schema_metadata(), file)
        return [file]
    files = [Path(file) for file in source]
    if not files:
        raise InputError("there is nothing to upload")
    return files
