"""Definitions that are not saved: what a user writes into a form or sends along, made as if YAML declared it.

So that a connector, a datasource or an exporter can be tried first. Secrets come as names of variables, as in YAML.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import dagster as dg
import yaml

from orchestration.loading.attributes import check_top, parse_attributes, told
from orchestration.loading.documents import parse_documents
from orchestration.loading.problems import Problem
from orchestration.loading.tree import ProjectTree, load_aside
from orchestration.loading.types import component_type, known_types
from orchestration.location import Location
from resources.declared import DeclaredComponent, MisfitError
from resources.kernel.errors import ConfigError, WaybillError

FILE_NAME = "unsaved.yaml"
UNSAVED_NAME = "unsaved"
"""What a definition is called that has no name yet."""
T = TypeVar("T", bound=DeclaredComponent)


@dataclass(frozen=True)
class Definition:
    """A component as YAML declares it.

    Args:
        type: `resources.SqlConnector`, `assets.Datasource` ...
        attributes: by name, plain values.
    """

    type: str
    attributes: Mapping[str, Any]


def make_component(
    location: Location, definition: Definition, family: type[T], noun: str
) -> tuple[T, dg.ComponentLoadContext]:
    """The component that a definition declares, and the place where it would stand; the project does not get to know it.

    Args:
        location: whose definitions it would belong to.
        definition: type and attributes.
        family: what it has to be.
        noun: what that is called.

    Raises:
        ConfigError: a type that is none of the family, attributes that it does not take, or a template; no secret is
            repeated.
    """
    tree = _tree(location)
    kind = _kind(definition.type)
    if not issubclass(kind, family):
        raise ConfigError(f"{definition.type} is no {noun}", hint=f"Name the type of a {noun}")
    _refuse_templates(definition.attributes)
    given = {"name": UNSAVED_NAME, **definition.attributes}
    text = yaml.safe_dump({"type": definition.type, "attributes": given}, sort_keys=False)
    (document,) = parse_documents(tree.defs_module_path / FILE_NAME, text)
    with unplaced(location):
        problems = check_top(document)
        attributes, found = parse_attributes(kind, document)
        _refuse([*problems, *found])
        try:
            component, context = load_aside(tree, document, kind, attributes)
        except MisfitError as error:
            _refuse(told(error.error, error.model, document, error.path))
            raise
    if not isinstance(component, family):
        raise TypeError(f"{definition.type} made a {type(component).__name__}")
    return component, context


@contextmanager
def unplaced(location: Location) -> Iterator[str]:
    """The place that errors inside may name: it is taken out of them, since what is not saved stands in no file."""
    file = _tree(location).defs_module_path / FILE_NAME
    place = re.compile(rf"{re.escape(str(file))}:\d+: ")
    try:
        yield f"{file}:1"
    except WaybillError as error:
        text = place.sub("", error.message)
        if text == error.message:
            raise
        raise type(error).rebuild(text, error.hint, error.facts) from error


def _kind(name: str) -> type[dg.Component]:
    """The class of a type that Waybill has or the project uses: nothing is imported because a request names it."""
    if name in known_types() or name.rpartition(".")[0] in sys.modules:
        return component_type(name, "")
    raise ConfigError(
        f"unknown type {name[:100]!r}", hint=f"Known: {', '.join(known_types())}, and those in use"
    )


def _refuse_templates(given: object, path: str = "attributes") -> None:
    """A template would take the value of any variable of the server into what is tried, and so into the answer."""
    if isinstance(given, str) and "{{" in given:
        raise ConfigError(
            f"{path}: a template is evaluated in definitions that are saved only",
            hint="Write the value itself; of a secret the name of its variable, `{env: NAME}`",
        )
    parts = given.items() if isinstance(given, Mapping) else enumerate(_listed(given))
    for name, part in parts:
        _refuse_templates(part, f"{path}.{name}")


def _listed(given: object) -> Sequence[object]:
    return given if isinstance(given, (list, tuple)) else ()


def _tree(location: Location) -> ProjectTree:
    tree = location.definitions.component_tree
    if not isinstance(tree, ProjectTree):
        raise ConfigError("the code location has no definitions in YAML to add to")
    return tree


def _refuse(problems: list[Problem]) -> None:
    if problems:
        hints = " ".join(dict.fromkeys(problem.hint for problem in problems if problem.hint))
        raise ConfigError("; ".join(problem.text for problem in problems), hint=hints)
