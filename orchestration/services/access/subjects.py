"""What entries of the audit log call a thing: an asset by its key, which is the only one of the server; else with its project."""

from __future__ import annotations

_PLACES = {
    "exporter": "exports",
    "classification set": "classifications",
}
"""Where a noun's assets stand, if not below its plural."""
_OF_A_PROJECT = ("connector", "pipeline")
"""Nouns that are no assets: two projects may have one of the same name each."""


def subject_of(noun: str, name: str, project: str) -> str:
    """The subject of an entry: `datasets/orders`, `shop/connectors/crm`; of a run its id.

    Args:
        noun: of the thing.
        name: of the thing.
        project: in which it is.
    """
    if noun == "run":
        return name
    place = f"{_PLACES.get(noun, f'{noun}s')}/{name}"
    return f"{project}/{place}" if noun in _OF_A_PROJECT else place
