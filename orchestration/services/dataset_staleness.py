"""Which datasets are stale: what they were made from has changed since. Imports no Dagster.

A dataset is stale when one that it is made from has a newer version than the one that it has read, or when its data source
was seen to hold something else than what it has imported. What it has read stands in the manifest of its newest version; of
Python that records none, a newer version counts that was made after its own. Only what it is made from directly counts: what
is made of a stale dataset is as fresh as can be until that one is made anew. A model says nothing here: it has no versions of
a dataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestration.services.dataset_list import (
    READY,
    DatasetEntry,
    DatasetSummary,
    DatasetTitle,
    Found,
    Newest,
    Tried,
    find_newest,
    summary_of,
)
from resources.kernel.keys import Key, noun_of_key
from resources.stores.versions import VersionStore


@dataclass(frozen=True)
class LastLook:
    """What a data source held when it was looked at last."""

    fingerprint: str
    at: datetime


@dataclass(frozen=True)
class Freshness:
    """What has to be known of all datasets to say of each whether it is stale.

    Args:
        found: what the store has of each.
        tried: what became of the last try to make each.
        seen: the last look at each data source, by its key.
    """

    found: Mapping[Key, Found]
    tried: Mapping[Key, Tried]
    seen: Mapping[Key, LastLook]

    def reason(self, entry: DatasetEntry) -> str:
        """Why a dataset is stale, in one line; empty when it is not."""
        newest = self.found.get(entry.key)
        if not isinstance(newest, Newest):
            return ""
        reasons = (self._by(newest, entry, tuple(name.split("/"))) for name in entry.made_from)
        return next((reason for reason in reasons if reason), "")

    def _by(self, newest: Newest, entry: DatasetEntry, upstream: Key) -> str:
        name = "/".join(upstream[1:])
        if noun_of_key(upstream) == "datasource":
            return self._by_source(newest, entry, upstream, name)
        other = self.found.get(upstream)
        if not isinstance(other, Newest):
            return ""
        read = dict(newest.inputs).get(name)
        if read is not None:
            is_newer, had = other.number > read, f", and it was made from version {read}"
        else:
            is_newer, had = other.created_at > self._made_at(newest, entry), ", made after its own"
        return f"{name} has version {other.number}{had}" if is_newer else ""

    def _by_source(self, newest: Newest, entry: DatasetEntry, source: Key, name: str) -> str:
        """A look that is older than the last import says nothing: that one has looked itself."""
        seen = self.seen.get(source)
        if seen is None or not newest.fingerprint or seen.fingerprint == newest.fingerprint:
            return ""
        is_newer = seen.at > self._made_at(newest, entry)
        return f"data source {name} has changed since it was imported" if is_newer else ""

    def _made_at(self, newest: Newest, entry: DatasetEntry) -> datetime:
        """When it was made last, or found unchanged."""
        tried = self.tried.get(entry.key)
        if tried is None or tried.state != READY or tried.at is None:
            return newest.created_at
        return max(tried.at, newest.created_at)


def with_staleness(
    lines: Sequence[DatasetSummary], entries: Sequence[DatasetEntry], known: Freshness
) -> list[DatasetSummary]:
    """Lines of the list, each with why its dataset is stale.

    Args:
        lines: one for each of `entries`, in the same order.
        entries: what is declared.
        known: of all datasets.
    """
    reasons = [known.reason(entry) for entry in entries]
    return [
        replace(line, stale=reason) if reason else line
        for line, reason in zip(lines, reasons, strict=True)
    ]


def summarize(
    entries: Sequence[DatasetEntry],
    tried: Mapping[Key, Tried],
    store: VersionStore,
    titles: Mapping[Key, DatasetTitle],
    seen: Mapping[Key, LastLook],
) -> list[DatasetSummary]:
    """A line for each dataset.

    Raises:
        ConnectorError: the store does not answer.
    """
    found = {entry.key: find_newest(store, entry.key) for entry in entries}
    lines = [summary_of(e, found[e.key], tried.get(e.key), titles.get(e.key)) for e in entries]
    return with_staleness(lines, entries, Freshness(found, tried, seen))
