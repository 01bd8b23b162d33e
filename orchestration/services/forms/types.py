"""Which types there are forms for: Waybill's own, and those of the project at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from orchestration.loading.types import component_type, known_types
from orchestration.services.forms.model import Choice
from resources.declared import DeclaredComponent
from resources.kernel.errors import UnknownNameError

_OWN = ("assets.", "resources.", "orchestration.")


@lru_cache(maxsize=1)
def _own_types() -> Mapping[str, type[DeclaredComponent]]:
    kinds = {name: component_type(name, "") for name in known_types()}
    return {name: kind for name, kind in kinds.items() if issubclass(kind, DeclaredComponent)}


def known_kinds() -> dict[str, type[DeclaredComponent]]:
    """Component types by the name that YAML gives them: ours, and those of others that this process has imported."""
    others = {
        f"{kind.__module__}.{kind.__qualname__}": kind
        for kind in _below(DeclaredComponent)  # type: ignore[type-abstract]  # nothing is made of it
        if not kind.__module__.startswith(_OWN) and "<" not in kind.__qualname__
    }
    return {**_own_types(), **others}


def _below(kind: type[DeclaredComponent]) -> Iterator[type[DeclaredComponent]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _below(inner)


def kinds_of(noun: str) -> dict[str, type[DeclaredComponent]]:
    """The types that declare a noun, Waybill's own first.

    Raises:
        UnknownNameError: nothing declares one.
    """
    known = known_kinds()
    found = {name: kind for name, kind in known.items() if getattr(kind, "noun", "") == noun}
    if not found:
        nouns = {getattr(kind, "noun", "") for kind in known.values()}
        raise UnknownNameError("noun", noun, nouns - {""})
    return found


def choices_of(noun: str) -> list[Choice]:
    """What a new one of a noun may be: its types, and the variants of each.

    Raises:
        UnknownNameError: nothing declares one.
    """
    found = []
    for name, kind in kinds_of(noun).items():
        summary = summary_of(kind)
        if not kind.variants:
            found.append(Choice(name, "", title_of(name, kind), summary))
        for variant, about in kind.variants.items():
            needs = ", ".join(label.replace("_", " ") for label in about.needs)
            title = about.title[:1].upper() + about.title[1:]
            found.append(Choice(name, variant, title, f"Needs {needs}." if needs else summary))
    return found


def choose(noun: str, given: str) -> Choice:
    """The choice that a word means: a type's name, its short form (`s3`), or a variant (`postgresql`).

    Raises:
        UnknownNameError: none; lists the words.
    """
    choices = choices_of(noun)
    words = {word: choice for choice in reversed(choices) for word in _words(noun, choice)}
    if not given and len({choice.type for choice in choices if _is_own(choice)}) == 1:
        return choices[0]
    if given not in words:
        raise UnknownNameError(f"type of {noun}", given, words)
    return words[given]


def _is_own(choice: Choice) -> bool:
    return choice.type.startswith(_OWN)


def _words(noun: str, choice: Choice) -> list[str]:
    if choice.variant:
        return [choice.variant]
    short = choice.type.rpartition(".")[2].lower().removesuffix(noun)
    return [choice.type, *([short] if short and _is_own(choice) else [])]


def title_of(name: str, kind: type[DeclaredComponent]) -> str:
    """A type for people: `S3`, `Folder`; of a noun with one type that."""
    short = name.rpartition(".")[2]
    noun = "".join(word.capitalize() for word in kind.noun.split())
    words = short.removesuffix(noun) or short
    return _TITLES.get(words, words)


def summary_of(kind: type[DeclaredComponent]) -> str:
    """The first sentence of a type's docstring."""
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


_TITLES = {
    "Ftp": "FTP",
    "Sftp": "SFTP",
    "S3": "Amazon S3",
    "Gcs": "Google Cloud Storage",
    "Sql": "Database",
    "SqlTransform": "SQL transform",
    "ClassificationSet": "Classification set",
}
