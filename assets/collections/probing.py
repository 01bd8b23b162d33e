"""Media metadata for the objects of a listing: looked up beforehand, so that an import need not read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from assets.collections.looking import THREADS
from assets.collections.specification.making_items import (
    ListedObject,
    MakeOptions,
    PassedOver,
    encode_key,
    plan_items,
)
from resources.collections.items import MEDIA_FIELDS, MediaType
from resources.connectors.base import FileConnector
from resources.kernel.errors import WaybillError
from resources.scratch import ScratchFolder
from resources.sources.object_urls import ObjectUrls, rule_of


@dataclass
class ProbedListing:
    """What was found out about the objects of a listing."""

    media: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By key."""
    failed: list[PassedOver] = field(default_factory=list)
    """Objects of which nothing could be found out; they are in the specification all the same."""


def probe_listing(
    connector: FileConnector, listing: Sequence[ListedObject], options: MakeOptions
) -> ProbedListing:
    """Looks at the objects that become single items, many side by side.

    Args:
        connector: where they lie.
        listing: all of it.
        options: what is made of it.

    Raises:
        MissingDependencyError: the packages that read media are not installed.
        WaybillError: the place cannot be reached.
    """
    from resources.media.prober import open_prober

    wanted: list[tuple[ListedObject, MediaType]] = []

    def note(one: ListedObject, kind: MediaType) -> None:
        if kind in MEDIA_FIELDS:
            wanted.append((one, kind))

    plan_items(listing, replace(options, media=note, sidecar=None))
    found = ProbedListing()
    with (
        ScratchFolder("import") as scratch,
        open_prober() as prober,
        ThreadPoolExecutor(THREADS, thread_name_prefix="look") as pool,
    ):
        urls = ObjectUrls([connector], None, scratch.path)

        def look(given: tuple[ListedObject, MediaType]) -> bytes | str:
            one, kind = given
            try:
                with urls.open(options.url + encode_key(one.key, options.url)) as opened:
                    looked = prober.look(kind, [opened])
            except WaybillError as error:
                if rule_of(error) is None:
                    raise
                return error.message
            return looked.problems[0].message if looked.problems else looked.media or b"{}"

        for (one, _), told in zip(wanted, pool.map(look, wanted), strict=True):
            if isinstance(told, bytes):
                found.media[one.key] = json.loads(told)
            else:
                found.failed.append(PassedOver(one.key, f"its media metadata: {told}"))
    return found
