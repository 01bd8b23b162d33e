"""A specification comes in: it is read whole, held against the rules and the collection, and its items are registered.

Nothing is created of a file that breaks a rule. What is registered is so by one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.collections.declaration import CollectionSpec
from assets.collections.specification.reading import Specification, read_specification
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.rules import Problem
from resources.collections.schema_changes import with_declared
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.metadata import MetadataCatalog
from resources.stores.catalog.collections.records import Registered

_NAMED = 5


class SpecificationRefusedError(InputError):
    """A specification of which nothing was imported.

    Args:
        file_name: as the user knows it.
        problems: what is wrong with it, in the order of the file.
        count: of all problems, those that are not listed included.
    """

    def __init__(self, file_name: str, problems: Sequence[Problem], count: int) -> None:
        first = problems[0]
        where = f"{file_name}, {first.at}" if first.at else file_name
        more = f"; {count - 1:,} more problems" if count > 1 else ""
        super().__init__(
            f"{where}: {first.message} ({first.rule}){more}. Nothing was imported",
            hint=first.hint or "Correct the file and import it again",
            file=file_name,
            at=first.at,
            rule=first.rule,
            problems=count,
        )
        self.problems = tuple(problems)


@dataclass(frozen=True)
class CheckedSpecification:
    """A specification that may be imported, or what is wrong with it."""

    specification: Specification
    problems: tuple[Problem, ...]
    problem_count: int
    would: Registered | None
    """What an import would do; None of a refused file."""


def effective_schema(spec: CollectionSpec, catalog: CollectionCatalog) -> MetadataSchema | None:
    """What custom metadata of a collection is held against: declared keys, and those that were made by commands.

    Raises:
        SchemaChangeError: the declaration contradicts what the catalog has.
    """
    if not spec.metadata_schema:
        return None
    schema = MetadataSchema(spec.metadata_schema)
    if catalog.database.exists():
        schema = MetadataCatalog(catalog.database).schema(spec.metadata_schema).schema
    return with_declared(schema, spec.schema_keys)


def check_specification(
    catalog: CollectionCatalog,
    spec: CollectionSpec,
    schema: MetadataSchema | None,
    path: Path,
    file_name: str,
    folder: str,
) -> CheckedSpecification:
    """What an import of a file would do, or everything that is wrong with it; writes nothing (F074, F075)."""
    found = read_specification(path, file_name, schema)
    problems, count = _problems(spec, found)
    if problems:
        return CheckedSpecification(found, problems, count, None)
    would = catalog.preview(spec.name, folder, found.batches, found.flags)
    return CheckedSpecification(found, (), 0, would)


def register_specification(
    catalog: CollectionCatalog,
    spec: CollectionSpec,
    schema: MetadataSchema | None,
    path: Path,
    file_name: str,
    import_id: int,
) -> Registered:
    """Brings the items of a file in, once for an import however often it is tried.

    Raises:
        SpecificationRefusedError: it breaks a rule; nothing was registered.
    """
    found = read_specification(path, file_name, schema)
    problems, count = _problems(spec, found)
    if problems:
        raise SpecificationRefusedError(file_name, problems, count)
    return catalog.register(import_id, found.batches, found.flags)


def _problems(spec: CollectionSpec, found: Specification) -> tuple[tuple[Problem, ...], int]:
    """Why a specification is refused, and how many reasons there are, those that are not listed included."""
    if found.problems:
        return found.problems, found.problem_count
    not_taken = tuple(_not_taken(spec, found))
    return not_taken, len(not_taken)


def _not_taken(spec: CollectionSpec, found: Specification) -> list[Problem]:
    """One problem for each type that the collection does not take."""
    taken = ", ".join(spec.types)
    return [
        Problem(
            "",
            "type_not_taken",
            f"collection {spec.name} takes {taken}; the file has {count:,} of type {kind}",
            "Leave them out, or add the type to `types:` of the collection",
        )
        for kind, count in found.counts.items.items()
        if count and not spec.takes(kind)
    ]
