"""What a specification holds, counted while it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from resources.collections.items import MediaType

_MOST_REMARKS = 100


@dataclass
class SpecificationCounts:
    """Items and URLs by type, and what followed from a default."""

    items: Counter[MediaType] = field(default_factory=Counter)
    urls: Counter[MediaType] = field(default_factory=Counter)
    create_video_default: Counter[MediaType] = field(default_factory=Counter)
    """Groups and sequences that are what they are because `createVideo` was not given."""
    vectors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Keys under which lists of numbers stand that no schema declares: how many, and where the first one is."""

    @property
    def item_count(self) -> int:
        """All of them."""
        return self.items.total()

    @property
    def url_count(self) -> int:
        """All of them."""
        return self.urls.total()

    def add(self, kind: MediaType, items: int, urls: int) -> None:
        """So many more."""
        self.items[kind] += items
        self.urls[kind] += urls

    def add_vector(self, key: str, at: str) -> None:
        """One more list of numbers under an undeclared key."""
        known = self.vectors.get(key)
        if known:
            self.vectors[key] = (known[0] + 1, known[1])
        elif len(self.vectors) < _MOST_REMARKS:
            self.vectors[key] = (1, at)
