"""What SQL, checks and keys name, against the columns that their datasets have: an answer before anything runs.

Columns of an imported dataset are those of its newest version, of which the manifest alone is read; those of a
transform follow from its SQL, and those of a prediction are the stored ones. Where columns are not known nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from assets.checks.component import CheckedTable
from assets.checks.expectations import parse_expectations
from assets.classifications.component import ClassificationSet
from assets.classifications.schema import ColumnType, SetColumn, SetSchema
from assets.datasets.component import Dataset
from assets.models.component import Prediction
from assets.transforms.component import SqlTransform, read_sql
from assets.transforms.statement import Statement
from orchestration.loading.problems import Problem, proposal
from orchestration.location import Location
from resources.kernel.errors import ConnectorError, InputError, IntegrityError, WaybillError
from resources.kernel.keys import asset_key, noun_of_key
from resources.references import Registry, declared_in, name_of_asset, registry_of
from resources.stores.tables import TableStore

if TYPE_CHECKING:
    import dagster as dg
    import pyarrow as pa

    from assets.transforms.binding import StatementBinder
    from resources.stores.manifest import Manifest

_READERS = 8
_SHOWN = 30


@dataclass(frozen=True)
class KnownColumns:
    """The columns of a dataset."""

    schema: pa.Schema
    origin: str
    """Where they are from: `stored version 3`, `as its SQL makes it`, `as declared`."""
    is_certain: bool
    """Whether what is declared now made them: the next run then makes them again."""


def column_problems(location: Location) -> list[Problem]:
    """Columns that SQL transforms, checks and keys name and their tables do not have, and SQL that DuckDB refuses over them.

    Reads the manifests of the datasets concerned; no data, no other system. An error where the columns follow from
    what is declared, else a warning: the next run may bring the column.
    """
    tree = location.definitions.component_tree
    registry = registry_of(tree)
    return [] if tree is None or registry is None else _Look(location, tree, registry).run()


class _Look:
    def __init__(self, location: Location, tree: dg.ComponentTree, registry: Registry) -> None:
        self._location, self._registry = location, registry
        self._datasets = declared_in(tree, Dataset, noun="dataset")
        transforms = declared_in(tree, SqlTransform, noun="transform")
        self._transforms = {n: _Transform(found, registry) for n, found in transforms.items()}
        predictions = declared_in(tree, Prediction, noun="prediction")
        self._tables: dict[str, CheckedTable] = {**self._datasets, **transforms, **predictions}
        self._inputs = self._find_inputs()
        sets = declared_in(tree, ClassificationSet, noun="classification set")
        self._known = {name: _declared(found) for name, found in sets.items()}
        self._unusable: dict[str, InputError] = {}
        """Datasets whose columns SQL cannot have as they are, and why."""
        self._problems: list[Problem] = []
        self._digests = {name: spec.digest() for name, spec in location.datasources().items()}

    def run(self) -> list[Problem]:
        inputs = self._inputs
        named = {name: list(_named(item)) for name, item in self._tables.items()}
        wanted = {name for found in inputs.values() for name in found}
        wanted |= {name for name, found in named.items() if found}
        self._read(sorted((wanted | set(inputs)) - set(self._known)))
        if any(all(n in self._known for n in found) for found in inputs.values()):
            self._bind_all()
        for name, found in named.items():
            if name in self._known:
                self._check(self._tables[name], found, self._known[name])
        return self._problems

    def _find_inputs(self) -> dict[str, tuple[str, ...]]:
        """What each transform reads."""
        if not self._transforms:
            return {}
        specs = self._location.datasets()
        return {
            name: tuple(
                name_of_asset(dep.asset_key)
                for dep in specs[name].deps
                if noun_of_key(tuple(dep.asset_key.path)) == "dataset"
            )
            for name, transform in self._transforms.items()
            if name in specs and transform.sql
        }

    def _read(self, names: Iterable[str]) -> None:
        """The newest versions' columns; why some cannot be read is told once."""
        store = self._location.store()
        told: set[object] = set()
        with ThreadPoolExecutor(_READERS) as pool:
            for name, found in pool.map(_Newest(store).of, names):
                if isinstance(found, WaybillError):
                    # A damaged version is one dataset's; what keeps all others from being read too is told once.
                    cause = name if isinstance(found, IntegrityError) else type(found)
                    if cause not in told:
                        self._problems.append(self._unread(name, found))
                    told.add(cause)
                elif found is not None and found.arrow_schema is not None:
                    certain = self._is_of_declaration(name, found)
                    self._known[name] = KnownColumns(
                        found.arrow_schema, f"stored version {found.number}", certain
                    )

    def _is_of_declaration(self, name: str, version: Manifest) -> bool:
        if name in self._transforms:
            return version.properties.get("sql") == self._transforms[name].sql
        source = version.properties.get("source")
        if name not in self._datasets or not isinstance(source, Mapping):
            return False
        declared = self._digests.get(self._datasets[name].datasource)
        return declared is not None and source.get("declaration") == declared

    def _unread(self, name: str, error: WaybillError) -> Problem:
        readers = [reader for reader, found in self._inputs.items() if name in found]
        reader = name if name in self._transforms or not readers else readers[0]
        owner = self._tables.get(name) or self._transforms[reader].component
        file, line = self._registry.place_of(owner, ("attributes", "name"))
        text = f"dataset {name!r}: columns were not compared with what is stored: {error.message}"
        return Problem(file, line, text, error.hint, is_warning=True)

    def _check(self, table: CheckedTable, named: list[NamedColumn], known: KnownColumns) -> None:
        names = known.schema.names
        for one in named:
            if one.column in names:
                continue
            file, line = self._registry.place_of(table, ("attributes", *one.path))
            text = f"{one.by}: there is no column {one.column!r} in {table.name}"
            hint = f"{proposal(one.column, names)}Columns of {table.name}: {_listed(names)}"
            self._problems.append(_problem(file, line, text, hint, {table.name: known}))

    def _bind_all(self) -> None:
        from assets.transforms.binding import StatementBinder

        inputs = self._inputs
        order = [name for name in TopologicalSorter(inputs).static_order() if name in inputs]
        with StatementBinder() as binder:
            added: set[str] = set()
            for name in order:
                tables = {n: self._known[n] for n in inputs[name] if n in self._known}
                if len(tables) == len(inputs[name]):
                    for table in tables.keys() - added:
                        self._add(binder, table, tables[table])
                    added |= tables.keys()
                    self._bind(binder, name, tables)

    def _add(self, binder: StatementBinder, name: str, known: KnownColumns) -> None:
        try:
            binder.add_table(name, known.schema)
        except InputError as error:
            self._unusable[name] = error

    def _bind(self, binder: StatementBinder, name: str, tables: Mapping[str, KnownColumns]) -> None:
        from assets.transforms.binding import StatementMisfitError

        transform = self._transforms[name]
        self._known.pop(name, None)
        if unusable := next((self._unusable[n] for n in tables if n in self._unusable), None):
            text = f"transform {name!r}: {unusable.message}"
            self._problems.append(_problem(*transform.place(None), text, unusable.hint, tables))
            return
        statement = Statement(transform.sql, tuple(sorted(tables)))
        try:
            found = binder.bind(statement, {n: known.schema for n, known in tables.items()})
        except StatementMisfitError as error:
            file, line = transform.place(error.offset)
            text = f"transform {name!r}: {error.message}"
            self._problems.append(_problem(file, line, text, error.hint, tables))
            return
        if found is not None:
            certain = all(known.is_certain for known in tables.values())
            self._known[name] = KnownColumns(found, "as its SQL makes it", certain)


class _Transform:
    """A transform's SQL and where it stands."""

    def __init__(self, component: SqlTransform, registry: Registry) -> None:
        self.component = component
        self._document = registry.document_of(component)
        self._registry = registry
        declared = Path(registry.place_of(component)[0])
        folder = declared if declared.is_dir() else declared.parent
        self._file = folder / component.file if component.file else None
        read = read_sql(self._file) if self._file else component.sql
        self._before = read[: len(read) - len(read.lstrip())]
        self.sql = read.strip().rstrip(";")

    def place(self, offset: int | None) -> tuple[str, int]:
        """File and line of a character of the SQL; of `sql` itself when it is not known."""
        if offset is not None and self._file is not None:
            return str(self._file), (self._before + self.sql[:offset]).count("\n") + 1
        path = ("attributes", "sql" if self.component.sql else "file")
        if offset is None or self._document is None:
            return self._registry.place_of(self.component, path)
        text = self._before + self.sql
        line = self._document.line_within(path, text, len(self._before) + offset)
        return str(self._document.file), line


@dataclass(frozen=True)
class NamedColumn:
    """A column that a declaration says is there.

    Args:
        column: its name.
        by: what names it: `key`, or a check.
        path: to the place of the name, below the attributes.
    """

    column: str
    by: str
    path: tuple[str | int, ...]


def _named(table: CheckedTable) -> Iterator[NamedColumn]:
    """What the key names, and the checks that need a column to be there."""
    for column in table.key:
        yield NamedColumn(column, "key", ("key",))
    for number, item in enumerate(parse_expectations(table.checks)):
        if item.is_about_the_table:
            continue
        for column in dict.fromkeys(item.columns):
            argument = next(n for n, value in item.arguments.items() if column in _each(value))
            path = ("checks", number, item.kind, argument)
            yield NamedColumn(column, f"checks: {item.kind}", path)


def _declared(given: ClassificationSet) -> KnownColumns:
    """A set settles its columns when it is declared."""
    columns = tuple(SetColumn(column.name, ColumnType(column.type)) for column in given.columns)
    return KnownColumns(SetSchema(columns).arrow, "as declared", is_certain=True)


def _each(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


class _Newest:
    """The newest versions in a store; a store that does not answer is asked no more."""

    def __init__(self, store: TableStore) -> None:
        self._store = store
        self._is_away = False

    def of(self, name: str) -> tuple[str, Manifest | WaybillError | None]:
        if self._is_away:
            return name, None
        try:
            return name, self._store.item(asset_key("datasets", name)).latest()
        except WaybillError as error:
            self._is_away = isinstance(error, ConnectorError)
            return name, error


def _problem(
    file: str, line: int, text: str, hint: str, tables: Mapping[str, KnownColumns]
) -> Problem:
    origins = "; ".join(f"{name}: {known.origin}" for name, known in sorted(tables.items()))
    unsure = [name for name, known in sorted(tables.items()) if not known.is_certain]
    if unsure:
        hint += f". The next run of {' or '.join(unsure)} may change that: it was declared otherwise then"
    return Problem(file, line, f"{text} ({origins})", hint, is_warning=bool(unsure))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
