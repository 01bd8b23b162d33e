"""How many items each choice of the form of filters would find: counted where that is cheap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.services.collections.declared import DeclaredCollections
from orchestration.services.collections.filter_form import FilterForm

COUNTED_ITEMS = 50_000
"""A larger collection has no counts beside the choices: each of them is a look at all of its items."""
_COUNTED_KEYS = 12


@dataclass(frozen=True)
class ItemFacets:
    """Counts by choice; each leaves the filter of its own kind aside."""

    types: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Of declared keys with few values, by value."""
    are_counted: bool = False


def facets_of(collections: DeclaredCollections, name: str, form: FilterForm) -> ItemFacets:
    """Counts for the form of a collection; none where they are not cheap, or the form is not right.

    Raises:
        NotFoundError: nothing was imported into it yet.
    """
    tallies = collections.tallies
    if not form.is_right or tallies.count(name) > COUNTED_ITEMS:
        return ItemFacets()
    counted = [one.key for one in form.fields if one.look in ("choices", "one_of")]
    keys = [key for key in counted if key in _with_values(form)][:_COUNTED_KEYS]
    return ItemFacets(
        tallies.of(name, form.without("types")).types,
        tallies.of(name, form.without("states")).states,
        {key: tallies.values(name, key, form.without(key)) for key in keys},
        are_counted=True,
    )


def _with_values(form: FilterForm) -> set[str]:
    """Keys whose choices are values: of a vector they are not."""
    return {one.key for one in form.fields if one.choices and one.choices[0] != "present"}
