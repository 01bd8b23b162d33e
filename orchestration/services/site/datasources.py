"""Data sources as the web process knows them: declared in the snapshot, observed by runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestration.services.observations import last_observations
from orchestration.services.site.records import recorded
from orchestration.services.site.site import Site
from resources.kernel.keys import asset_key


def observed_at(site: Site, names: Sequence[str]) -> dict[str, datetime]:
    """When each data source was looked at last, of those that ever were."""
    keys = {asset_key("datasources", name): name for name in names}
    found = recorded(site).observed(list(keys))
    if found is None:
        return last_observations(site.instance, list(names))
    return {keys[key]: at for key, at in found.items()}
