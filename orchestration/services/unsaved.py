"""Definitions that are not saved: what a user writes into a form or sends along, made as if YAML declared it.

So that a connector, a data source or an exporter can be tried first. Secrets come as names of variables, as in YAML.
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
from orchestration.services.forms.types import choose
from resources.declared import DeclaredComponent, MisfitError
from resources.kernel.errors import ConfigError, InputError, UnknownNameError, WaybillError, said

FILE_NAME = "unsaved.yaml"
UNSAVED_NAME = "unsaved"
"""What a definition is called that has no name yet."""
T = TypeVar("T", bound=DeclaredComponent)


@dataclass(frozen=True)
class Definition:
    """A component as YAML declares it.

    Args:
        type: `resources.SqlConnector`, `assets.Datasource` ..., or its short form: `postgresql`, `s3`.
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
        InputError: a type that is none of the family, attributes that it does not take, or a template; no secret is
            repeated.
    """
    tree = _tree(location)
    with as_input():
        name, decided = _chosen(definition.type, noun)
        kind = _kind(name)
    if not issubclass(kind, family):
        raise InputError(f"{name} is no {said(noun)}", hint=f"Name the type of a {said(noun)}")
    _refuse_templates(definition.attributes)
    given = {"name": UNSAVED_NAME, **decided, **definition.attributes}
    text = yaml.safe_dump({"type": name, "attributes": given}, sort_keys=False)
    (document,) = parse_documents(tree.defs_module_path / FILE_NAME, text)
    with as_input(), unplaced(location):
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


@contextmanager
def as_input() -> Iterator[None]:
    """What is wrong with a definition that was sent along is wrong with the request, not with the project."""
    try:
        yield
    except (ConfigError, UnknownNameError) as error:
        raise InputError(error.message, hint=error.hint, **error.facts) from error


def _chosen(given: str, noun: str) -> tuple[str, Mapping[str, str]]:
    """The type that a word means, as in definitions that are saved: `s3`, or `postgresql` with what that decides."""
    if "." in given:
        return given, {}
    choice = choose(noun, given)
    decides = getattr(component_type(choice.type, ""), "decides", "")
    return choice.type, {decides: choice.variant} if choice.variant else {}


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
        raise InputError(
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
