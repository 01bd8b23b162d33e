"""Specifications of what lies in a place: a connector lists it, sidecar files give custom metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from assets.collections.probing import probe_listing
from assets.collections.specification.making import (
    FileOptions,
    MadeSpecification,
    make_specification,
)
from assets.collections.specification.making_items import (
    ListedObject,
    MakeOptions,
    natural_order,
)
from resources.connectors.base import FileConnector
from resources.scratch import ScratchFolder


def specify(
    connector: FileConnector,
    path: str,
    files: FileOptions,
    *,
    include: Callable[[str], bool] | None = None,
    probe: bool = False,
    **making: Any,
) -> MadeSpecification:
    """Lists a place and makes specifications of its objects.

    Args:
        connector: where.
        path: a key or a glob there.
        files: how they are written; CSV has no place for sidecar files.
        include: whether an object is meant; None: all are.
        probe: whether media metadata are looked up and written down; CSV has no place for them.
        making: further options of `MakeOptions`.

    Raises:
        WaybillError: the place cannot be listed, or the format has no place for what is asked for.
    """
    listing = [ListedObject(o.key, o.size_bytes) for o in connector.list_objects(path)]
    options = MakeOptions(
        url=connector.addresses.url_of("x").removesuffix("x"),
        include=include,
        sidecar=None if files.format == "csv" else lambda key: _read(connector, key),
        **making,
    )
    if not probe:
        return make_specification(listing, options, files)
    probed = probe_listing(connector, listing, options)
    options = replace(options, media=lambda one, _: probed.media.get(one.key))
    made = make_specification(listing, options, files)
    left_out = sorted([*made.left_out, *probed.failed], key=lambda one: natural_order(one.key))
    return replace(made, left_out=left_out)


def _read(connector: FileConnector, key: str) -> bytes:
    found = connector.stat(key)
    with ScratchFolder("import") as scratch, connector.ranges(found, scratch.path) as read:
        return read(0, found.size_bytes)
