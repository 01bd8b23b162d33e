"""What Office documents say of themselves, and what is in them that is left out: the same parts in all of them."""

from __future__ import annotations

from typing import Any

from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.packages import Package

_CORE = "docProps/core.xml"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_FACTS: dict[str, Fact] = {
    "title": "title",
    "creator": "author",
    "language": "language",
    "created": "created",
    "modified": "modified",
    "description": "description",
}
_MORE = {"subject", "keywords", "category", "lastModifiedBy", "contentStatus", "version"}


def put_office_facts(package: Package, gathered: Gathered) -> None:
    """Title, author, dates; and that there are macros or other files in it."""
    core = package.xml_if_any(_CORE)
    if core is not None:
        gathered.properties(core, _FACTS, _MORE)
    if any(name.rpartition("/")[2].startswith("vbaProject") for name in package.names):
        gathered.left_out("macros")
    if any("/embeddings/" in name for name in package.names):
        gathered.left_out("embedded files")


def relations_of(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """The relations of a part: id -> kind of relation, and the part or address that it leads to."""
    folder, _, name = part.rpartition("/")
    tree = package.xml_if_any(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
    if tree is None:
        return {}
    return {
        str(one.get("Id")): (str(one.get("Type")).rpartition("/")[2], _target(one, folder))
        for one in tree.iter(f"{_RELATIONS}Relationship")
    }


def _target(relation: Any, folder: str) -> str:
    target = str(relation.get("Target") or "")
    if relation.get("TargetMode") == "External":
        return target
    if target.startswith("/"):
        return target[1:]
    parts = folder.split("/") if folder else []
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
