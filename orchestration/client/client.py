"""`waybill.Client`: a project of a server, from Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.client.datasets import Datasets
from orchestration.client.imports import Imports
from orchestration.client.runs import Run, Runs, started
from orchestration.client.transport import Transport, part
from resources.kernel.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.services.connectors import Browsed, ConnectorSummary, ConnectorTest
    from orchestration.services.datasources import DatasourceSummary, DatasourceTest
    from orchestration.services.exports.history import Export
    from orchestration.services.exports.listing import ExporterSummary
    from orchestration.services.pipelines.listing import PipelineSummary


class Client:
    """A project of a server.

    Args:
        url: the server's address; `WAYBILL_URL`, or the one of this machine, by default.
        token: signs in; `WAYBILL_TOKEN` by default. None is needed where the server asks for none.
        project: its name; needed where the server has several.
    """

    def __init__(self, url: str = "", *, token: str = "", project: str = "") -> None:
        self._transport = Transport(url, token)
        self._project = project

    @cached_property
    def project(self) -> str:
        """The project's name.

        Raises:
            ConfigError: none was given, and the server has several, or none.
        """
        if self._project:
            return self._project
        names = [found["name"] for found in self._transport.get("/projects", list[dict[str, Any]])]
        if len(names) == 1:
            return str(names[0])
        raise ConfigError(
            f"the server has {len(names)} projects" if names else "the server has no project yet",
            hint=f"Name one: Client(project=...); there are {', '.join(names)}" if names else "",
        )

    @property
    def datasets(self) -> Datasets:
        """`client.datasets.upload(frame, name="orders")`, `client.datasets["orders"].to_pandas()`."""
        return Datasets(self._transport, self._base)

    @property
    def imports(self) -> Imports:
        """`client.imports.create("library", files=["report.pdf"], start=True)`."""
        return Imports(self._transport, self._base)

    @property
    def runs(self) -> Runs:
        """`client.runs["..."].wait()`."""
        return Runs(self._transport, self._base)

    @property
    def connectors(self) -> Connectors:
        """`client.connectors.test("warehouse")`."""
        return Connectors(self._transport, self._base)

    @property
    def datasources(self) -> Datasources:
        """`client.datasources.test("orders_table")`."""
        return Datasources(self._transport, self._base)

    @property
    def exporters(self) -> Exporters:
        """`client.exporters.run("orders_out").wait()`."""
        return Exporters(self._transport, self._base)

    @property
    def pipelines(self) -> Pipelines:
        """`client.pipelines.run("nightly").wait()`."""
        return Pipelines(self._transport, self._base)

    def query(self, sql: str, *, raw: bool = False) -> pa.Table:
        """The rows of one SELECT over the datasets of the project, within the server's limits.

        Raises:
            InputError: what is wrong with it, with its line.
        """
        import tempfile

        import pyarrow.parquet as pq

        asked = {"sql": sql, "format": "parquet", "raw": raw}
        with tempfile.TemporaryDirectory(prefix="waybill-") as folder:
            file = Path(folder) / "rows.parquet"
            path = f"{self._base}/queries/download"
            with self._transport.raw("POST", path, json=asked, stream=True) as answer:
                self._transport.save(answer, file)
            return pq.read_table(file)

    @property
    def _base(self) -> str:
        return f"/projects/{part(self.project)}"


@dataclass(frozen=True)
class _Nouns:
    """Things of a project that definitions declare."""

    transport: Transport
    base: str
    noun = ""

    def create(self, name: str, *, type: str = "", **attributes: Any) -> dict[str, Any]:  # noqa: A002
        """Declares one, as YAML has it; a secret is `{"env": "NAME_OF_A_VARIABLE"}`. What was written, and where.

        Raises:
            InputError: an attribute that is wrong, or what else in the project breaks by it; nothing is written.
        """
        body = {"name": name, "type": type, "attributes": attributes}
        return self.transport.send("POST", self._definitions, dict[str, Any], body)

    def edit(self, name: str, *, unset: tuple[str, ...] = (), **attributes: Any) -> dict[str, Any]:
        """Changes attributes; every other byte of the file stays."""
        body = {"attributes": attributes, "unset": list(unset)}
        path = f"{self._definitions}/{part(name)}"
        return self.transport.send("PATCH", path, dict[str, Any], body)

    def delete(self, name: str) -> dict[str, Any]:
        """Takes one out of the definitions.

        Raises:
            InUseError: something uses it.
        """
        return self.transport.send("DELETE", f"{self._definitions}/{part(name)}", dict[str, Any])

    @property
    def _definitions(self) -> str:
        return f"{self.base}/definitions/{self.noun}s"


class Connectors(_Nouns):
    """The connectors of a project."""

    noun = "connector"

    def list(self, **filters: Any) -> Iterator[ConnectorSummary]:
        """Which there are, and who uses each."""
        from orchestration.services.connectors import ConnectorSummary

        return self.transport.pages(f"{self.base}/connectors", ConnectorSummary, **filters)

    def test(self, name: str) -> ConnectorTest:
        """Whether one answers, step by step."""
        from orchestration.services.connectors import ConnectorTest

        path = f"{self.base}/connectors/{part(name)}/test"
        return self.transport.send("POST", path, ConnectorTest)

    def browse(self, name: str, path: str = "", **page: Any) -> Browsed:
        """What stands below a place: folders and files, databases, schemas, tables."""
        from orchestration.services.connectors import Browsed

        place = f"{self.base}/connectors/{part(name)}/browse"
        return self.transport.get(place, Browsed, path=path, **page)


class Datasources(_Nouns):
    """The data sources of a project."""

    noun = "datasource"

    def list(self, **filters: Any) -> Iterator[DatasourceSummary]:
        """Which there are."""
        from orchestration.services.datasources import DatasourceSummary

        return self.transport.pages(f"{self.base}/datasources", DatasourceSummary, **filters)

    def test(self, name: str, *, rows: int = 20) -> DatasourceTest:
        """Typed rows as an import would bring them, and every guess."""
        from orchestration.services.datasources import DatasourceTest

        path = f"{self.base}/datasources/{part(name)}/test?rows={rows}"
        return self.transport.send("POST", path, DatasourceTest)


class Exporters(_Nouns):
    """The exporters of a project."""

    noun = "exporter"

    def list(self, **filters: Any) -> Iterator[ExporterSummary]:
        """Which there are, and the last export of each."""
        from orchestration.services.exports.listing import ExporterSummary

        return self.transport.pages(f"{self.base}/exporters", ExporterSummary, **filters)

    def run(self, name: str, *, key: str = "", **choice: Any) -> Run:
        """Exports now; `dataset` and `version` choose others than the declared ones."""
        path = f"{self.base}/exporters/{part(name)}/run"
        return started(self.transport, self.base, path, choice or None, key=key)

    def history(self, **filters: Any) -> Iterator[Export]:
        """Exports, newest first, those that failed included."""
        from orchestration.services.exports.history import Export

        return self.transport.pages(f"{self.base}/exports", Export, **filters)


class Pipelines(_Nouns):
    """The pipelines of a project."""

    noun = "pipeline"

    def list(self, **filters: Any) -> Iterator[PipelineSummary]:
        """Which there are, and when each fires next."""
        from orchestration.services.pipelines.listing import PipelineSummary

        return self.transport.pages(f"{self.base}/pipelines", PipelineSummary, **filters)

    def run(self, name: str, *, key: str = "") -> Run:
        """Runs one now."""
        path = f"{self.base}/pipelines/{part(name)}/run"
        return started(self.transport, self.base, path, None, key=key)
