"""A component's attributes against what its type takes: every mistake in our words, no value repeated (T27)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args

import dagster as dg
from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestration.loading.problems import Problem, proposal
from resources.yaml_positions import YamlDocument

_REPEATS_INPUT = frozenset({"value_error", "assertion_error", "union_tag_invalid", "uuid_parsing"})
_TOP = ("type", "attributes", "template_vars_module", "requirements", "post_processing")


@lru_cache(maxsize=256)
def _model_of(kind: type[dg.Component]) -> tuple[type[BaseModel], TypeAdapter[Any]] | None:
    """The model of a type's attributes; made once, some types make it anew each time."""
    model = kind.get_model_cls()
    return None if model is None else (model, TypeAdapter(model))


def check_top(document: YamlDocument) -> list[Problem]:
    """What is wrong beside the attributes."""
    found = []
    if not isinstance(document.value, dict):
        return [_at(document, (), "this is no component", "Give `type:` and `attributes:`")]
    for name in document.value:
        if name not in _TOP:
            hint = f"Indent it below `attributes:`. Beside that stand: {', '.join(_TOP)}"
            found.append(_at(document, (name,), f"unknown field {str(name)!r}", hint))
    given = document.value.get("attributes")
    if given is not None and not isinstance(given, dict):
        found.append(
            _at(document, ("attributes",), "`attributes` has to hold names and values", "")
        )
    if not isinstance(document.value.get("type"), str):
        found.append(
            _at(document, ("type",), "the component has no `type`", "For instance assets.Dataset")
        )
    return found


def parse_attributes(
    kind: type[dg.Component], document: YamlDocument
) -> tuple[BaseModel | None, list[Problem]]:
    """The attributes as `kind` takes them, or what is wrong with them."""
    made = _model_of(kind)
    given = document.value.get("attributes") or {}
    if made is None:
        return None, []
    model, adapter = made
    problems = list(_names(model, given, document, getattr(kind, "renamed", {})))
    try:
        return adapter.validate_python(given), problems
    except ValidationError as error:
        problems += told(error, model, document)
        return None, problems
    except TypeError:  # pydantic cannot hold a text to the limits of a number
        return None, [*problems, *_texts_for_numbers(adapter, given, document)]


def _texts_for_numbers(
    adapter: TypeAdapter[Any], given: Mapping[str, Any], document: YamlDocument
) -> Iterator[Problem]:
    """Attributes in which a text stands where a number with limits is due."""
    for name, value in given.items():
        try:
            adapter.validate_python({name: value})
        except ValidationError:
            continue
        except TypeError:
            text = f"{name}: a text stands where a number is due"
            yield _at(document, ("attributes", name), text, "Give a number, without quotes")


def told(
    error: ValidationError,
    model: type[BaseModel],
    document: YamlDocument,
    below: tuple[str | int, ...] = (),
) -> list[Problem]:
    """A validation error in our words, a line a field; what `_names` tells of the top is left out."""
    found: dict[tuple[str | int, ...], list[Mapping[str, Any]]] = {}
    for detail in error.errors(include_input=False, include_url=False, include_context=True):
        loc = (*below, *detail["loc"])
        if len(loc) == 1 and detail["type"] in ("missing", "extra_forbidden"):
            continue
        path = _path(document, loc)
        if detail["type"] == "missing":
            path = (*path, loc[-1])
        found.setdefault(path, []).append(detail)
    return [
        _told(path, details, model, document)
        for path, details in found.items()
        if not _is_other_branch(path, details, found)
    ]


def _is_other_branch(
    path: tuple[str | int, ...],
    details: list[Mapping[str, Any]],
    found: Mapping[tuple[str | int, ...], object],
) -> bool:
    """Whether it only says that a mapping or list might have been a text, while something inside it is wrong."""
    inside = any(len(other) > len(path) and other[: len(path)] == path for other in found)
    return inside and all(detail["type"] == "string_type" for detail in details)


def _told(
    path: tuple[str | int, ...],
    details: list[Mapping[str, Any]],
    model: type[BaseModel],
    document: YamlDocument,
) -> Problem:
    detail = next((d for d in details if d["type"] != "string_type"), details[0])
    kind, name = str(detail["type"]), ".".join(map(str, path))
    place = ("attributes", *path)
    if kind == "extra_forbidden":
        known = _known_below(model, detail["loc"])
        hint = f"{proposal(str(path[-1]), known)}Known: {', '.join(known)}" if known else ""
        return _at(document, place, f"unknown field {str(path[-1])!r} in {name!r}", hint)
    if kind == "missing":
        return _at(document, place, f"{name!r} is missing", "")
    if kind == "string_type":
        return _at(document, place, f"{name} has to be a text", "Put it in quotes")
    said = kind.replace("_", " ") if kind in _REPEATS_INPUT else str(detail["msg"])
    said = said.replace("Input should be ", "it has to be ").split(", unable to parse")[0]
    return _at(document, place, f"{name}: {said}", "")


def _names(
    model: type[BaseModel],
    given: Mapping[object, object],
    document: YamlDocument,
    renamed: Mapping[str, str],
) -> Iterator[Problem]:
    """Attributes that the type does not know, and those that it needs."""
    fields = model.model_fields
    for name in given:
        if name in renamed and name not in fields:
            text = f"{str(name)!r} was renamed to {renamed[str(name)]!r}"
            yield _at(document, ("attributes", str(name)), text, "")
        elif name not in fields:
            missing = [n for n, info in fields.items() if info.is_required() and n not in given]
            near = proposal(str(name), missing) or proposal(str(name), fields)
            yield _at(
                document,
                ("attributes", str(name)),
                f"unknown field {str(name)!r}",
                f"{near}Known: {', '.join(fields)}",
            )
    for name, info in fields.items():
        if info.is_required() and name not in given:
            kind = document.type.rpartition(".")[2]
            yield _at(document, ("attributes",), f"{kind} lacks {name!r}", "")


def _path(document: YamlDocument, loc: tuple[Any, ...]) -> tuple[str | int, ...]:
    """Those parts of pydantic's location that stand in the document: it names the branches of unions too."""
    path: tuple[str | int, ...] = ()
    value: Any = document.value.get("attributes") or {}
    for part in loc:
        if (isinstance(value, dict) and part in value) or (
            isinstance(value, (list, tuple)) and isinstance(part, int) and part < len(value)
        ):
            path, value = (*path, part), value[part]
    return path


def _known_below(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Names that the innermost model on the way knows."""
    names = set(map(str, loc))
    found = [m for m in _models(model, set()) if m.__name__ in names]
    if not found:
        found = list(_models(model.model_fields.get(str(loc[0])), set()))
    return list(found[-1].model_fields) if found else []


def _models(given: Any, seen: set[int]) -> Iterator[type[BaseModel]]:
    if id(given) in seen:
        return
    seen.add(id(given))
    if isinstance(given, type) and issubclass(given, BaseModel):
        yield given
        for info in given.model_fields.values():
            yield from _models(info.annotation, seen)
    elif hasattr(given, "annotation"):
        yield from _models(given.annotation, seen)
    for inner in get_args(given):
        yield from _models(inner, seen)


def _at(document: YamlDocument, path: tuple[Any, ...], text: str, hint: str) -> Problem:
    return Problem(str(document.file), document.line(path), text, hint)
