"""The users' YAML as text, before Dagster reads it: what its own loader would take silently is refused here (T36)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from resources.kernel.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_ALIASES = 50
_NAMES = ("defs.yaml", "component.yaml")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_component_files(folder: Path) -> None:
    """Looks through every component file below `folder`.

    A key that stands twice would lose its first value; aliases can blow a small file up without limit.

    Raises:
        ConfigError: with file and line of the first thing that is wrong.
    """
    for path in sorted(found for name in _NAMES for found in folder.rglob(name)):
        _check_file(path)


def _check_file(path: Path) -> None:
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(
            f"{path}: {path.stat().st_size:,} bytes are too many for a component file",
            hint=f"At most {MAX_BYTES:,}; split it into several folders below defs/",
        )
    text = path.read_text(encoding="utf-8")
    try:
        aliases = sum(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=_Loader))
        if aliases > MAX_ALIASES:
            raise ConfigError(
                f"{path}: {aliases} aliases", hint=f"At most {MAX_ALIASES}; write the values out"
            )
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is no YAML: {error.problem}") from error
    seen: set[int] = set()
    for document in documents:
        for key, first in _repeated(document, seen):
            raise ConfigError(
                f"{path}:{key.start_mark.line + 1}: {key.value!r} is given twice, first in line {first}",
                hint="Only one of the two values would count; take one out",
            )


def _repeated(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[yaml.ScalarNode, int]]:
    """Keys that stand twice in one mapping, each with the line of the first; every node is looked at once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in lines:
                    yield key, lines[key.value]
                lines[key.value] = key.start_mark.line + 1
            yield from _repeated(value, seen)
