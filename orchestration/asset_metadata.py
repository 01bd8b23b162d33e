"""What Dagster's UI shows of assets beside what they say themselves: the way to the data section, and titles.

Waybill's own assets have the link from `assets/noun.py`; a user's `@dg.asset` gets it here. Titles are the catalog's: who
serves a project reads them and hands them in, so that loading itself opens nothing. Only assets that gain something are
made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg
from dagster_shared.record import replace

from assets.noun import PAGE_LABEL, page_of
from resources.kernel.keys import Key
from resources.references import asset_specs, nouns_of

TITLE_LABEL, DESCRIPTION_LABEL = "title", "described as"
Titles = Mapping[Key, tuple[str, str]]
"""Title and description that people gave a dataset, by its key; either may be empty."""
_SHOWN = ("dataset",)
"""Nouns that a user's Python can make and that have a page."""


def with_asset_metadata(definitions: dg.Definitions, titles: Titles) -> dg.Definitions:
    """The same definitions, with links to pages and with titles."""
    before = list(definitions.assets or [])
    nouns = nouns_of(asset_specs(definitions))
    gains = _Gains(titles, frozenset(key for key, noun in nouns.items() if noun in _SHOWN))
    after = [_shown(asset, gains) for asset in before]
    if all(old is new for old, new in zip(before, after, strict=True)):
        return definitions
    changed: dg.Definitions = replace(definitions, assets=after)
    return changed


@dataclass(frozen=True)
class _Gains:
    """What assets gain.

    Args:
        titles: see `Titles`.
        with_page: assets that the data section has a page of.
    """

    titles: Titles
    with_page: frozenset[dg.AssetKey]

    def has(self, spec: dg.AssetSpec) -> bool:
        return tuple(spec.key.path) in self.titles or self.has_link(spec)

    def has_link(self, spec: dg.AssetSpec) -> bool:
        return PAGE_LABEL not in spec.metadata and spec.key in self.with_page


def _shown(asset: object, gains: _Gains) -> object:
    if isinstance(asset, dg.AssetSpec):
        return _told(asset, gains) if gains.has(asset) else asset
    if isinstance(asset, dg.AssetsDefinition) and any(map(gains.has, asset.specs)):
        return asset.map_asset_specs(lambda spec: _told(spec, gains))
    return asset


def _told(spec: dg.AssetSpec, gains: _Gains) -> dg.AssetSpec:
    """The description stays the declared one: what people wrote stands beside it, and may be taken back."""
    key = tuple(spec.key.path)
    title, description = gains.titles.get(key, ("", ""))
    metadata = dict(spec.metadata)
    if gains.has_link(spec):
        metadata[PAGE_LABEL] = dg.MetadataValue.url(page_of(key))
    if title:
        metadata[TITLE_LABEL] = title
    if description:
        metadata[DESCRIPTION_LABEL] = dg.MetadataValue.md(description)
    return spec.replace_attributes(metadata=metadata)
