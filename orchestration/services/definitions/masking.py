"""Texts of files as others may see them: what stands where a secret belongs is not shown.

A secret in a file is a mistake that loading refuses; until it is corrected, neither a form nor the audit log
repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.services.definition_files.documents import DefinitionFile, DefinitionText
from orchestration.services.definition_files.edits import Splice, apply
from orchestration.services.definition_files.source import Entry
from orchestration.services.forms.types import known_kinds
from resources.connectors.component import ConnectorComponent, Secret
from resources.connectors.sql.config import is_secret_option
from resources.kernel.errors import ConfigError

MASK = "'***'"
_SECRET = Secret.__metadata__[0]


def shown(file: DefinitionFile) -> str:
    """The text of a file without secrets that stand in it."""
    try:
        definitions = file.definitions
    except ConfigError:
        return "(this file cannot be read, and so is not shown)\n"
    splices = [splice for one in definitions for splice in _masks(one)]
    return apply(file.source, splices).text


def _masks(definition: DefinitionText) -> Iterator[Splice]:
    kinds = known_kinds()
    kind = kinds.get(definition.document.type)
    if kind is None or not issubclass(kind, ConnectorComponent):
        return
    attributes = definition.place.root.at("attributes")
    for entry in attributes.entries if attributes else ():
        info = kind.model_fields.get(entry.name)
        if entry.name == "options":
            inner = [e for e in entry.value.entries if is_secret_option(e.name)]
            yield from (_masked(e) for e in inner)
        elif info is None or (_SECRET in info.metadata and not _is_name(definition, entry)):
            yield _masked(entry)


def _is_name(definition: DefinitionText, entry: Entry) -> bool:
    given = definition.attributes.get(entry.name)
    return given is None or (isinstance(given, dict) and set(given) == {"env"})


def _masked(entry: Entry) -> Splice:
    return Splice(entry.value.start, entry.value.end, MASK)
