"""A change worked out as text: which file, what it would say, and what of it is wrong in itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg

from orchestration.loading.problems import proposal
from orchestration.loading.types import component_type
from orchestration.location import Location
from orchestration.services.definition_files.documents import DefinitionFile
from orchestration.services.definition_files.emit import same
from orchestration.services.definition_files.found import (
    FoundDefinition,
    check_own,
    find,
    find_named,
    read_file,
)
from orchestration.services.definition_files.place import place_for
from orchestration.services.definitions.change import DefinitionChange
from orchestration.services.definitions.masking import shown
from orchestration.services.forms.answers import merged, parse_form
from orchestration.services.forms.build import Names, edit_form, new_form
from orchestration.services.forms.model import Answers, Field, Form, Kind
from orchestration.services.forms.texts import check_value, read_text
from orchestration.services.forms.types import choose, known_kinds
from resources.kernel.errors import ConfigError, ConflictError, InputError, UnknownNameError, said
from resources.kernel.keys import check_name
from resources.references import code_position, name_of_asset, nouns_of, registry_of

NEEDED = "this is needed"


@dataclass(frozen=True)
class ChangePlan:
    """What a file is and what it would be.

    Args:
        type: of the definition, as YAML names it.
        before: the file as it is.
        after: the file as it would be.
        number: which definition of `after` it is; None of one that goes.
        form: what its attributes are.
    """

    type: str
    before: DefinitionFile
    after: DefinitionFile
    number: int | None
    form: Form


@dataclass(frozen=True)
class Planner:
    """Works changes out.

    Args:
        root: the folder of the definitions.
        package: the Python package of that folder, that types which begin with a dot start at.
        names: what there is, by noun.
        python: where what is defined in Python stands, by noun and name.
    """

    root: Path
    package: str
    names: Names
    python: Mapping[tuple[str, str], str]

    def plan(self, change: DefinitionChange) -> ChangePlan:
        """The texts of a change.

        Raises:
            InputError: what is given cannot stand; the fact `errors` says why, by field.
            UnknownNameError: there is nothing of that name.
            ConflictError: it was changed since; the facts `current` and `yours` are both sides.
            ConfigError: it stands where forms cannot reach.
        """
        return {"create": self._create, "edit": self._edit, "delete": self._delete}[change.action](
            change
        )

    def find(self, noun: str, name: str) -> FoundDefinition:
        """Where a definition stands.

        Raises:
            UnknownNameError: there is none of that name.
            ConfigError: it is defined in Python, or stands outside of the project.
        """
        found = find(self.root, noun, name, self.noun_of)
        if found is None:
            self._refuse_missing(noun, name)
        check_own(found.file.path, self.root)
        return found

    def form(self, found: FoundDefinition) -> Form:
        """The form of what there is."""
        return edit_form(found, self.type_of(found), self.names)

    def noun_of(self, type_name: str, path: Path) -> str:
        """What components of a type are called; empty of a type that is not known."""
        try:
            return str(getattr(component_type(type_name, self._package_of(path)), "noun", ""))
        except ConfigError:
            return ""

    def type_of(self, found: FoundDefinition) -> str:
        """The type of a definition by the name that forms know."""
        document = found.definition.document
        kind = component_type(document.type, self._package_of(found.file.path))
        return next(name for name, known in known_kinds().items() if known is kind)

    def _package_of(self, path: Path) -> str:
        return ".".join([self.package, *path.parent.relative_to(self.root).parts])

    def _create(self, change: DefinitionChange) -> ChangePlan:
        choice = choose(change.noun, change.type)
        form = new_form(choice, self.names)
        given = read_change(form, replace(change, texts={**change.texts, "name": change.name}))
        values = {"name": change.name, **given.values}
        if form.decides:
            values[form.decides] = form.variant
        attributes = merged({}, values, ())
        missing = dict.fromkeys(_missing(form, attributes), NEEDED)
        refuse_fields(missing | given.errors | self._name_errors(change))
        path = place_for(self.root, change.noun, change.name)
        check_own(path, self.root)
        before = read_file(path)
        after = before.with_added(choice.type, _in_order(attributes, order_of(choice.type)))
        return ChangePlan(choice.type, before, after, len(after.definitions) - 1, form)

    def _name_errors(self, change: DefinitionChange) -> dict[str, str]:
        try:
            check_name(change.noun, change.name)
        except ConfigError as error:
            return {"name": str(error)}
        for found in find_named(self.root, change.name, self.noun_of):
            if found.noun == change.noun:
                return {"name": f"there is a {said(change.noun)} of this name at {found.where}"}
        if place := self.python.get((change.noun, change.name)):
            return {"name": f"there is a {said(change.noun)} of this name in Python, at {place}"}
        return {}

    def _edit(self, change: DefinitionChange) -> ChangePlan:
        found = self.find(change.noun, change.name)
        form, old = self.form(found), found.definition.attributes
        given = read_change(form, change, old)
        new = merged(old, given.values, given.unset)
        missing = {n: NEEDED for n in _missing(form, new) if n in old}
        refuse_fields(missing | given.errors)
        after = found.file.with_changed(found.number, new, order=order_of(form.type))
        plan = ChangePlan(form.type, found.file, after, found.number, form)
        _check_revision(change, found, plan)
        return plan

    def _delete(self, change: DefinitionChange) -> ChangePlan:
        found = self.find(change.noun, change.name)
        after = found.file.without(found.number)
        plan = ChangePlan(self.type_of(found), found.file, after, None, self.form(found))
        _check_revision(change, found, plan)
        return plan

    def _refuse_missing(self, noun: str, name: str) -> NoReturn:
        if place := self.python.get((noun, name)):
            raise ConfigError(
                f"{said(noun)} {name!r} is defined in Python",
                hint=f"Change it there: {place}",
                file=place.rpartition(":")[0],
            )
        others = [f for f in find_named(self.root, name, self.noun_of) if f.noun]
        if others:
            raise ConfigError(
                f"{name!r} is no {said(noun)} but a {said(others[0].noun)}, declared at {others[0].where}",
                hint=f"Ask for the {others[0].noun}",
            )
        raise UnknownNameError(noun, name, self.names.get(noun, ()))


def read_change(
    form: Form, change: DefinitionChange, old: Mapping[str, Any] | None = None
) -> Answers:
    """The attributes that a change sets and leaves out, and what is wrong with them.

    Args:
        form: what the attributes are.
        change: what is asked for.
        old: the attributes as they are: what stays as it is may stay, also what a form would not take.
    """
    if change.is_form:
        return parse_form(form, change.texts)
    values: dict[str, object] = {}
    errors: dict[str, str] = {}

    def take(name: str, read: Callable[[Field], object]) -> None:
        field = form.field(name) or _part(form, name)
        if field is None:
            errors[name] = _unknown(form, name)
            return
        try:
            values[name] = read(field)
        except InputError as error:
            errors[name] = str(error)

    for name, text in change.texts.items():
        take(name, partial(_of_text, text))
    for name, value in change.values.items():
        if old is not None and name in old and same(old[name], value):
            continue
        take(name, partial(_of_value, value))
    unset = [name for name in change.unset if form.field(name) or _part(form, name)]
    errors.update({name: _unknown(form, name) for name in change.unset if name not in unset})
    return Answers(values, tuple(unset), errors)


def _of_text(text: str, field: Field) -> object:
    return read_text(field, text)


def _of_value(value: object, field: Field) -> object:
    check_value(field, value)
    return value


def refuse_fields(errors: Mapping[str, str], problems: Iterable[str] = ()) -> None:
    """Ends a change of which something is wrong.

    Raises:
        InputError: with all of it: the fact `errors` by field, `problems` elsewhere in the project.
    """
    others = list(problems)
    if not errors and not others:
        return
    told = [f"{name}: {text}" if name else text for name, text in errors.items()]
    raise InputError(
        "nothing was written. " + "; ".join([*told, *others]),
        errors=dict(errors),
        problems=others,
        lines=("nothing was written", *told, *others),
    )


def order_of(type_name: str) -> list[str]:
    """The attributes of a type in their order."""
    model = known_kinds()[type_name].get_model_cls()
    return list(model.model_fields) if model else []


def _in_order(attributes: Mapping[str, Any], order: list[str]) -> dict[str, Any]:
    places = {name: number for number, name in enumerate(order)}
    return dict(sorted(attributes.items(), key=lambda pair: places.get(pair[0], len(places))))


def _part(form: Form, name: str) -> Field | None:
    """A field for what a form has no field of its own for: one of `options`, or all of `schedule`."""
    top = form.field(name.partition(".")[0])
    if top is not None and top.kind is Kind.YAML and "." in name:
        return Field(name, name, Kind.YAML)
    if any(field.within == name for field in form.fields):
        return Field(name, name, Kind.YAML)
    return None


def _unknown(form: Form, name: str) -> str:
    if name == "name" and form.name:
        return (
            "a name stays: the store, the history and others know it by that. Make another one,"
            " and delete this one when nothing uses it"
        )
    if name == form.decides:
        return (
            f"it decides which other attributes count, and stays {form.variant!r}. Make another one"
        )
    known = [field.name for field in form.fields]
    return f"{form.title} takes no attribute of this name. {proposal(name, known)}Known: {', '.join(known)}"


def _missing(form: Form, attributes: Mapping[str, Any]) -> list[str]:
    return [
        field.name
        for field in form.fields
        if field.is_required and not field.within and attributes.get(field.name) in (None, "")
    ]


def _check_revision(change: DefinitionChange, found: FoundDefinition, plan: ChangePlan) -> None:
    """Nothing, where what is there is what the change was made from.

    Raises:
        ConflictError: with both sides.
    """
    if not change.revision or change.revision == found.definition.revision:
        return
    yours = "" if plan.number is None else _shown_part(plan.after, plan.number)
    raise ConflictError(
        f"{said(change.noun)} {change.name!r} was changed meanwhile, in {found.where}; nothing was written",
        hint="Look at what it says now, and save again if yours is to stand",
        current=_shown_part(found.file, found.number),
        yours=yours,
        revision=found.definition.revision,
    )


def _shown_part(file: DefinitionFile, number: int) -> str:
    """One definition of a file, as others may see it."""
    masked = replace(file, source=replace(file.source, text=shown(file)))
    return masked.definitions[number].text


def python_places(location: Location) -> dict[tuple[str, str], str]:
    """Where the assets stand that Python defines, by noun and name."""
    registry = registry_of(location.definitions.component_tree)
    declared = {(getattr(c, "noun", ""), c.name) for c in registry.entries()} if registry else set()
    nouns = nouns_of(location.specs)
    found = {}
    for asset in location.definitions.assets or []:
        specs = asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset]
        for spec in (one for one in specs if isinstance(one, dg.AssetSpec)):
            key = nouns[spec.key], name_of_asset(spec.key)
            if key[0] and key not in declared and not _is_yaml(spec):
                found[key] = code_position(spec) or _place_of_code(asset) or "no file is known"
    return found


def _is_yaml(spec: dg.AssetSpec) -> bool:
    return code_position(spec).rpartition(":")[0].endswith((".yaml", ".yml"))


def _place_of_code(asset: object) -> str:
    """`file:line` of the function that makes an asset."""
    node = asset.node_def if isinstance(asset, dg.AssetsDefinition) else None
    function = getattr(getattr(node, "compute_fn", None), "decorated_fn", None)
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""
