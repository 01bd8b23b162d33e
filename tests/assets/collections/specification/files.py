"""Specifications for tests: written where a test wants them, and read."""

import json
from pathlib import Path

from assets.collections.specification.reading import Specification, read_specification


def as_bytes(content) -> bytes:
    """Text, bytes, or what becomes JSON."""
    if isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else json.dumps(content).encode()


def read(folder: Path, content, name: str = "spec.json", schema=None) -> Specification:
    """The specification of a new file with this content."""
    path = folder / f"file-{len(list(folder.iterdir()))}"
    path.write_bytes(as_bytes(content))
    return read_specification(path, name, schema)


def drafts(specification: Specification) -> list:
    """All items."""
    return [draft for batch in specification.batches() for draft in batch]


def found(specification: Specification) -> list[tuple[str, str]]:
    """What is wrong: where, and by which rule."""
    return [(problem.at, problem.rule) for problem in specification.problems]
