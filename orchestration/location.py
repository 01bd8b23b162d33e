"""The code location as use cases see it: connectors, the store, datasets and jobs by name.

Everything comes from the merged Dagster definitions, so a dataset made by a user's own Python is there as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property

import dagster as dg

from orchestration.dagster_warnings import without_dagster_warnings
from resources.connectors.base import Connector
from resources.connectors.resource import ConnectorResource
from resources.declarations import DeclaresSource
from resources.kernel.errors import ConfigError, UnknownNameError
from resources.kernel.keys import Key
from resources.references import declared_in, name_of_asset, nouns_of
from resources.sources.open import open_source
from resources.sources.source import Source
from resources.sources.spec import SourceSpec
from resources.stores.catalog.resource import CatalogResource
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore


class Location:
    """Names of the code location, looked up.

    Args:
        definitions: the merged definitions.
    """

    def __init__(self, definitions: dg.Definitions) -> None:
        self.definitions = definitions

    def connectors(self) -> dict[str, ConnectorResource]:
        """Connectors by name, in order."""
        found = self.definitions.resources or {}
        named = {n: r for n, r in found.items() if isinstance(r, ConnectorResource)}
        return dict(sorted(named.items()))

    def connector(self, name: str) -> Connector:
        """A connector, its secrets read from the environment.

        Raises:
            UnknownNameError: it is not declared; lists the known ones.
            ConfigError: a variable that it names is not set.
        """
        known = self.connectors()
        if name not in known:
            raise UnknownNameError("connector", name, known)
        return open_connector(known[name])

    def source(self, spec: SourceSpec) -> Source:
        """What a data source's declaration means on its connector, secrets read from the environment.

        Raises:
            UnknownNameError: the connector is not declared.
            ConfigError: a variable that it names is not set; a connector that holds something else.
        """
        known = self.connectors()
        if spec.connector not in known:
            raise UnknownNameError("connector", spec.connector, known)
        with _resolved(known[spec.connector]) as resource:
            return open_source(resource, spec)

    def datasources(self) -> dict[str, SourceSpec]:
        """What data sources say, by name, in order."""
        tree = self.definitions.component_tree
        found = declared_in(tree, DeclaresSource, noun="datasource") if tree else {}
        return {name: found[name].source_spec() for name in sorted(found)}

    def datasource(self, name: str) -> SourceSpec:
        """What the data source `name` says.

        Raises:
            UnknownNameError: it is not declared; lists the known ones.
        """
        known = self.datasources()
        if name not in known:
            raise UnknownNameError("datasource", name, known)
        return known[name]

    def store(self) -> TableStore:
        """Where datasets are kept.

        Raises:
            ConfigError: the code location has no store.
        """
        resource = (self.definitions.resources or {}).get("store")
        if not isinstance(resource, StoreResource):
            raise ConfigError(
                "the code location has no resource 'store'",
                hint="Build its definitions with orchestration.definitions.build_defs",
            )
        return resource.tables()

    def catalog(self) -> CatalogResource:
        """The catalog database that the runs of the project use.

        Raises:
            ConfigError: the code location has none.
        """
        resource = (self.definitions.resources or {}).get("catalog")
        if not isinstance(resource, CatalogResource):
            raise ConfigError(
                "the code location has no resource 'catalog'",
                hint="Build its definitions with orchestration.definitions.build_defs",
            )
        return resource

    @cached_property
    def specs(self) -> Sequence[dg.AssetSpec]:
        """Every asset, as Dagster resolves it."""
        with without_dagster_warnings():
            return self.definitions.resolve_all_asset_specs()

    def datasets(self) -> dict[str, dg.AssetSpec]:
        """What makes each stored table, by name, in order."""
        return self.made("dataset")

    def made(self, *nouns: str) -> dict[str, dg.AssetSpec]:
        """What makes each thing of these nouns, by name, in order: `made(*TABLE_NOUNS)` is what SQL reads."""
        return dict(sorted(_named(self.specs, *nouns).items()))

    def maker(self, name: str, *nouns: str) -> dg.AssetSpec:
        """What makes the thing of that name; see `made`.

        Raises:
            UnknownNameError: nothing does; lists the known ones, as those of the first noun.
        """
        known = self.made(*nouns)
        if name not in known:
            raise UnknownNameError(nouns[0], name, known)
        return known[name]

    def nouns(self) -> dict[Key, str]:
        """What each asset is, by its key; empty for one that Waybill knows nothing of."""
        return {tuple(key.path): noun for key, noun in nouns_of(self.specs).items()}

    def dataset(self, name: str) -> dg.AssetSpec:
        """What makes the dataset `name`.

        Raises:
            UnknownNameError: nothing does; lists the known ones.
        """
        return self.maker(name, "dataset")

    def asset_jobs(self) -> dict[str, frozenset[Key]]:
        """Of each pipeline, a job that makes assets, the keys of these; users' own jobs are among them."""
        with without_dagster_warnings():
            repository = self.definitions.get_repository_def()
            jobs = {
                n: repository.get_job(n) for n in repository.job_names if not n.startswith("__")
            }
        found = {n: job.asset_layer.selected_asset_keys for n, job in sorted(jobs.items())}
        return {n: frozenset(tuple(key.path) for key in keys) for n, keys in found.items() if keys}

    def asset_job(self) -> dg.JobDefinition:
        """The job that makes any asset by itself."""
        with without_dagster_warnings():
            return self.definitions.resolve_implicit_global_asset_job_def()

    def job(self, name: str) -> dg.JobDefinition:
        """A pipeline's job.

        Raises:
            UnknownNameError: there is none of that name.
        """
        with without_dagster_warnings():
            repository = self.definitions.get_repository_def()
        if name not in repository.job_names:
            known = [job for job in repository.job_names if not job.startswith("__")]
            raise UnknownNameError("pipeline", name, known)
        return repository.get_job(name)


def _named(specs: Sequence[dg.AssetSpec], *wanted: str) -> dict[str, dg.AssetSpec]:
    """The assets of some nouns by name."""
    nouns = nouns_of(specs)
    return {name_of_asset(spec.key): spec for spec in specs if nouns[spec.key] in wanted}


def open_connector(resource: ConnectorResource) -> Connector:
    """A connector, declared or not, its secrets read from the environment. Connects to nothing yet.

    Raises:
        ConfigError: a variable that it names is not set.
    """
    with _resolved(resource) as resolved:
        return resolved.connect()


@cache
def instance_of_no_run() -> dg.DagsterInstance:
    """What resources are given that are opened outside of a run; it keeps nothing.

    Making one costs three times as much as all else of opening a connector. A process that forks makes it beforehand: its
    forks have it then.
    """
    return dg.DagsterInstance.ephemeral()


@contextmanager
def _resolved(resource: ConnectorResource) -> Iterator[ConnectorResource]:
    resource.check_variables()
    with dg.build_resources({"connector": resource}, instance_of_no_run()) as resources:
        found: ConnectorResource = resources.connector
        yield found
