"""The users' YAML as text, before anything is made of it: what a loader would take silently is refused here (T36)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from orchestration.loading import overlay
from resources.kernel.errors import ConfigError
from resources.yaml_positions import YamlDocument

MAX_BYTES = 1_000_000
MAX_ALIASES = 50
NAMES = ("defs.yaml", "defs.yml", "component.yaml")
"""Names of component files, the first that a folder has counts."""

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.CSafeLoader):
    """libyaml's safe loader; a date stays text, as everywhere in Dagster."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML looks for
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def component_file(folder: Path) -> Path | None:
    """The component file of a folder; None when it has none."""
    return next((path for name in NAMES if overlay.is_file(path := folder / name)), None)


def read_documents(path: Path) -> list[YamlDocument]:
    """The documents of a component file, as `parse_documents` finds them.

    Raises:
        ConfigError: with file and line of the first thing that is wrong.
    """
    return parse_documents(path, _read(path))


def parse_documents(path: Path, text: str) -> list[YamlDocument]:
    """The documents of a component file's text.

    A key that stands twice would lose its first value; aliases can blow a small file up without limit.

    Raises:
        ConfigError: with file and line of the first thing that is wrong.
    """
    try:
        if "*" in text:
            _check_aliases(path, text)
        documents = list(_documents(path, text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{path}:{line}: this is no YAML: {_problem(error)}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}:1: this is no YAML: a character that no text has") from error
    if not documents:
        raise ConfigError(
            f"{path}:1: the file declares nothing",
            hint="Give a component: `type:` and `attributes:`, or remove the file",
        )
    return documents


def check_size(path: Path, size_bytes: int) -> None:
    """Nothing, where a component file may be so large (T36).

    Raises:
        ConfigError: it may not.
    """
    if size_bytes > MAX_BYTES:
        raise ConfigError(
            f"{path}:1: {size_bytes:,} bytes are too many for a component file",
            hint=f"At most {MAX_BYTES:,}; split it into several folders below defs/",
        )


def _read(path: Path) -> str:
    check_size(path, overlay.size(path))
    try:
        return overlay.read_text(path)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}:{line}: the file is not UTF-8", hint="Save it as UTF-8"
        ) from error


def _check_aliases(path: Path, text: str) -> None:
    aliases = sum(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=_Loader))
    if aliases > MAX_ALIASES:
        raise ConfigError(
            f"{path}:1: {aliases} aliases", hint=f"At most {MAX_ALIASES}; write the values out"
        )


def _documents(path: Path, text: str) -> Iterator[YamlDocument]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            for key, first in _repeated(node, set()):
                raise ConfigError(
                    f"{path}:{key.start_mark.line + 1}: {key.value!r} is given twice, first in line {first}",
                    hint="Only one of the two values would count; take one out",
                )
            value = loader.construct_document(node)
            if value is not None:
                yield YamlDocument(path, node, value, has_braces="{{" in text, text=text)
    finally:
        loader.dispose()


def _problem(error: yaml.MarkedYAMLError) -> str:
    """What is wrong; a password may start with `*`, `&` or `!`, so names are left out."""
    text = error.problem or error.context or "it cannot be read"
    for noun in ("alias", "anchor", "handle", "tag"):
        text = text.split(f"{noun} '")[0] + noun if f"{noun} '" in text else text
    return text


def _repeated(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[yaml.ScalarNode, int]]:
    """Keys that stand twice in one mapping, each with the line of the first; every node is looked at once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode):
                yield from _repeated(item, seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in lines:
                    yield key, lines[key.value]
                lines[key.value] = key.start_mark.line + 1
            if not isinstance(value, yaml.ScalarNode):
                yield from _repeated(value, seen)
