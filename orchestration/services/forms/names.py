"""What there is in a project that a form can name."""

from __future__ import annotations

from orchestration.location import Location
from resources.references import name_of_asset


def names_of(location: Location) -> dict[str, list[str]]:
    """Names by noun, in order. An `asset` is named as pipelines do: `datasets/orders`."""
    found: dict[str, set[str]] = {
        "connector": set(location.connectors()),
        "datasource": set(location.datasources()),
        "dataset": set(location.datasets()),
    }
    nouns = location.nouns()
    for spec in location.specs:
        noun = nouns[tuple(spec.key.path)]
        if noun:
            found.setdefault(noun, set()).add(name_of_asset(spec.key))
        if noun != "datasource":
            found.setdefault("asset", set()).add(spec.key.to_user_string())
    return {noun: sorted(names) for noun, names in found.items()}
