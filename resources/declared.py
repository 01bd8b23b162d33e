"""What every component of ours has in YAML: a name, described attributes, and texts that arrive as they stand.

Dagster sends every text through a template engine whose result is read as a Python literal: `"1"` would become a
number, `"None"` nothing, `"{# x #}"` would vanish. Here a text is a text. Only what is written as a template of a
name in scope is one: `{{ env.NAME }}`, `{{ env('NAME', 'default') }}`, `{{ context.project_root }}`, a variable of
`template_vars_module`. What a template yields is not read again: the value of an environment variable is text.

The second module that uses Dagster calls which are not public (how a class's fields are resolved); `test_declared.py`
pins them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from inspect import get_annotations
from typing import Any, ClassVar, NamedTuple, Self

import dagster as dg
from dagster.components.resolved.base import _get_annotations, _get_resolver
from dagster.components.resolved.model import ParentFn
from jinja2 import Environment, Undefined
from pydantic import BaseModel, ConfigDict, ValidationError

from resources.component_schema import describe
from resources.environment import read_variable
from resources.kernel.errors import ConfigError, WaybillError
from resources.kernel.keys import check_name
from resources.references import NamedComponent, declared, place_of, position
from resources.scaffold import ExampleScaffolder
from resources.yaml_positions import KeyPath

_TEMPLATE = re.compile(
    r"""\{\{\s*(?P<name>[A-Za-z_]\w*)(?P<rest>(?:[^{}'"]|'[^']*'|"[^"]*")*)\}\}"""
)
_OBJECTS = frozenset({"env", "dg", "datetime", "context"})
"""Names that Dagster puts in scope: a template takes something of them, `env.X` or `env('X')`."""
_OLD_NAMES = frozenset(
    {"automation_condition", "project_root", "load_component_at_path", "build_defs_at_path"}
)
_ENGINE = Environment(autoescape=False)  # noqa: S701 - it evaluates expressions, it writes no HTML


class _Variables:
    """`env` in a template: environment variables, each of which has to be set or to have a default."""

    def __call__(self, name: str, default: object = ...) -> object:
        found = read_variable(name)
        if found is not None:
            return found
        if default is ...:
            raise ConfigError(
                f"the environment variable {name} is not set",
                hint=f"Set it where Waybill runs, or give a default: {{{{ env('{name}', 'default') }}}}",
                variables=[name],
            )
        return default

    def __getattr__(self, name: str) -> object:
        if name.startswith(("jinja", "_")):
            raise AttributeError(name)
        return self(name)


class TextContext(dg.ResolutionContext):
    """Resolves values as `DeclaredComponent` promises."""

    def resolve_value(self, val: Any, as_type: type | None = None) -> Any:
        """`val` with the templates in its texts replaced, however deep they are."""
        if isinstance(val, str):
            return self._resolve_text(val) if "{{" in val else val
        return super().resolve_value(val, as_type)  # type: ignore[arg-type]  # a hint for checkers only

    def _resolve_inner_value(self, val: Any) -> Any:
        return self._resolve_text(val) if isinstance(val, str) else val

    def _resolve_text(self, text: str) -> Any:
        whole = _TEMPLATE.fullmatch(text.strip())
        if whole is not None and self._is_template(whole):
            return self._evaluate(whole)
        return _TEMPLATE.sub(
            lambda found: str(self._evaluate(found)) if self._is_template(found) else found[0], text
        )

    def _is_template(self, found: re.Match[str]) -> bool:
        name, rest = found["name"], found["rest"].strip()
        if name in _OLD_NAMES or name not in self.scope:
            return False
        return rest.startswith((".", "(")) if name in _OBJECTS else rest[:1] in ("", ".", "(", "[")

    def _evaluate(self, found: re.Match[str]) -> Any:
        expression = found["name"] + found["rest"].rstrip()
        scope = {**self.scope, "env": _Variables()}
        try:
            value = _ENGINE.compile_expression(expression, undefined_to_none=False)(**scope)
        except WaybillError:
            raise
        except Exception as error:  # an expression may raise whatever its objects raise
            raise ConfigError(
                f"the template {found[0]} cannot be evaluated: {type(error).__name__}"
            ) from error
        if isinstance(value, Undefined):
            raise ConfigError(f"the template {found[0]} names something that is not there")
        return value


def as_texts(context: dg.ResolutionContext) -> dg.ResolutionContext:
    """The same context, for texts that arrive as they stand."""
    if isinstance(context, TextContext):
        return context
    return TextContext(
        scope=context.scope,
        path=context.path,
        source_position_tree=context.source_position_tree,
        stash=context.stash,
    )


class _Field(NamedTuple):
    """How an attribute of YAML becomes a field."""

    field: str
    resolver: dg.Resolver


@lru_cache(maxsize=256)
def _fields(kind: type[dg.Resolvable]) -> Mapping[str, _Field]:
    """Fields by the name that YAML gives them. Dagster works this out anew for each instance."""
    found = {}
    for name, info in _get_annotations(kind).items():
        resolver = _get_resolver(info.type, name)
        found[resolver.model_field_name or name] = _Field(name, resolver)
    return found


class MisfitError(Exception):
    """Attributes of the wrong kind: what pydantic says, and below which part of the attributes."""

    def __init__(
        self, error: ValidationError, path: tuple[str | int, ...], model: type[BaseModel]
    ) -> None:
        super().__init__(", ".join(".".join(map(str, e["loc"])) for e in error.errors()))
        self.error, self.path, self.model = error, path, model


@lru_cache(maxsize=256)
def _described(kind: type[Declared], model: type[BaseModel]) -> type[BaseModel]:
    known = _fields(kind)
    order = sorted(known, key=lambda name: (name != "name", _depth(kind, known[name].field)))
    describe(model, {name: kind.model_fields[known[name].field] for name in order}, kind.examples)
    return model


def _depth(kind: type, field: str) -> int:
    """How far up a class's bases a field was declared: what is its own comes first."""
    declaring = (n for n, base in enumerate(kind.__mro__) if field in get_annotations(base))
    return next(declaring, len(kind.__mro__))


class Declared(dg.Model, dg.Resolvable):
    """A part of a declaration: a mapping inside a component's attributes, or the attributes themselves.

    The docstring below an attribute is its description wherever its schema is shown.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    examples: ClassVar[tuple[str, ...]] = ()
    """Attributes as YAML."""

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The schema of the YAML, with descriptions and examples."""
        return _described(cls, super().model())

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel | str) -> Self:
        """The part from its YAML.

        Raises:
            MisfitError: attributes of the wrong kind.
            ConfigError: a text stands in its place, which Dagster lets pass as a template.
            WaybillError: what an attribute's own parser refuses, with file and line.
        """
        known, texts = _fields(cls), as_texts(context)
        if not isinstance(model, BaseModel):
            raise ConfigError("it has to hold names and values", hint=f"Known: {', '.join(known)}")
        given = {
            known[name].field: _resolve(known[name].resolver, texts, model, name)
            for name in known
            if name in model.model_fields_set
        }
        try:
            return cls(**given)
        except ValidationError as error:
            raise MisfitError(error, tuple(context.path[1:]), type(model)) from None


class Variant(NamedTuple):
    """What a component takes when the attribute that decides has a certain value."""

    title: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    rarely: tuple[str, ...] = ()
    """What it takes as well and hardly anybody gives."""


@dg.scaffold_with(ExampleScaffolder)
class DeclaredComponent(dg.Component, Declared, NamedComponent):
    """What every component of ours is in YAML."""

    name: str
    """What others refer to it by: lower-case letters, digits and `_`, a letter first."""

    noun: ClassVar[str]
    """What messages call it. The class that sets it is the family in which a name is given once."""
    examples: ClassVar[tuple[str, ...]] = ()
    """Attributes as YAML: what `dg scaffold defs` writes, then other ways to declare one."""
    refers_to: ClassVar[Mapping[str, str]] = {}
    """Components that the first example names: its name there, and its type."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Attributes that had another name once: old, new."""
    asks: ClassVar[Mapping[str, str]] = {}
    """What a form asks for an attribute beyond its type: `cron`, `refresh`, `sql`, `lines`, or the noun whose names it takes;
    those of base classes count too."""
    shown_first: ClassVar[tuple[str, ...]] = ()
    """Attributes that a form shows at once, beside those that are needed and those of the first example."""
    decides: ClassVar[str] = ""
    """The attribute whose value decides which others count."""
    variants: ClassVar[Mapping[str, Variant]] = {}
    """The values that it may have, and what counts with each."""

    def check_declared(self, context: dg.ComponentLoadContext) -> None:
        """Whether the name may stand, and stands only once.

        Raises:
            ConfigError: with file and line.
        """
        check_name(self.noun, self.name, where=position(context, "name"))
        declared(context, family_of(type(self)), noun=self.noun)


def family_of(kind: type[DeclaredComponent]) -> type[NamedComponent]:
    """The class among the bases of `kind` that says what it is called: names are given once among its components."""
    return next(base for base in kind.__mro__ if "noun" in vars(base))


def asked_by(kind: type[DeclaredComponent]) -> dict[str, str]:
    """What `asks` of a class and of its bases say, by attribute."""
    return {
        attribute: asked
        for base in reversed(kind.__mro__)
        for attribute, asked in vars(base).get("asks", {}).items()
    }


def names_given(component: DeclaredComponent, noun: str) -> set[str]:
    """The things of a noun that a component names, in whichever attributes."""
    names: set[str] = set()
    for attribute, asked in asked_by(type(component)).items():
        if asked == noun:
            value: Any = component
            for part in attribute.split("."):
                value = getattr(value, part, None)
            names.update([value] if isinstance(value, str) else value or ())
    return names - {""}


def _resolve(
    resolver: dg.Resolver, context: dg.ResolutionContext, model: BaseModel, name: str
) -> Any:
    at = context.at_path(name)
    try:
        if isinstance(resolver.fn, ParentFn):
            return resolver.fn.callable(context, model)
        value = getattr(model, name)
        if resolver.inject_before_resolve and isinstance(value, str):
            value = at.resolve_value(value)
            if not isinstance(value, str):
                return value
        return resolver.fn.callable(at, value)
    except WaybillError as error:
        raise _placed(error, at.stash, at.path) from error


def _placed(error: WaybillError, stash: Mapping[str, Any], path: KeyPath) -> WaybillError:
    where = place_of(stash.get("component_load_context"), path)
    if error.facts.get("placed") or not where:
        return error
    return type(error).rebuild(
        f"{where}: {'.'.join(map(str, path[1:]))}: {error.message}",
        error.hint,
        {**error.facts, "placed": True},
    )
