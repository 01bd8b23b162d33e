"""What becomes of each draft of a specification in a folder that may hold it already.

With `skip_duplicate_urls` an item of the same identity is known again: it is skipped, or its metadata is replaced when
`upsert_metadata` says so and the draft has some. The second of two in one file is skipped. One that is known and not
ready (its objects were never looked at, or could not be read) is taken up again by the import: what the first try
left undone, the same file does, and nothing is there twice. Without the flag every draft makes an item.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from resources.collections.items import ItemDraft, ItemState

Action = Literal["created", "skipped", "updated", "retried"]
"""`updated`: its custom metadata was replaced; `retried`: it was known and not ready, and is pending again."""
Look = Literal["never", "missing", "always"]
"""Which objects an import looks at: none, those of items that came without media metadata, all."""


@dataclass(frozen=True)
class KnownIdentities:
    """What a folder has of the identities that it was asked about; it may tell of others as well."""

    identities: Container[bytes] = frozenset()
    open: Container[bytes] = frozenset()
    """Those of which an item is not ready."""


_Pairs = list[tuple[bytes, ItemDraft]]
Tally = dict[Action, dict[str, int]]
"""How many items of each type, by what became of them."""


class DuplicateFlags(Protocol):
    """What a specification says about items that are there already."""

    @property
    def skip_duplicate_urls(self) -> bool:
        """Whether they are known again; otherwise each makes another item."""

    @property
    def upsert_metadata(self) -> bool:
        """Whether their custom metadata is replaced."""


@dataclass(frozen=True)
class ImportFlags:
    """See `DuplicateFlags`; upsert without skip has no meaning and is refused with the file."""

    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False


@dataclass(frozen=True)
class Sorted:
    """The drafts of one batch, each with its identity, by what has to be done with them."""

    new: list[tuple[bytes, ItemDraft]]
    updated: list[tuple[bytes, ItemDraft]]
    """KnownIdentities ones that bring new metadata; those that are not ready are taken up again too."""
    retried: list[tuple[bytes, ItemDraft]]


@dataclass
class Sorter:
    """Sorts the drafts of one file, batch after batch, and counts.

    Args:
        flags: of the file.
        known: tells which of some identities the folder has; None: none of them.
    """

    flags: DuplicateFlags
    known: Callable[[Sequence[bytes]], KnownIdentities | None]
    _seen: set[bytes] = field(default_factory=set, init=False)
    _counts: dict[Action, Counter[str]] = field(default_factory=dict, init=False)

    def sort(self, drafts: Sequence[ItemDraft]) -> Sorted:
        """Says what has to be done with each; who is skipped is only counted."""
        pairs = [(draft.identity, draft) for draft in drafts]
        if not self.flags.skip_duplicate_urls:
            self._count("created", pairs)
            return Sorted(pairs, [], [])
        firsts = self._firsts(pairs)
        known = self.known([identity for identity, _ in firsts])
        if known is None:
            self._count("created", firsts)
            return Sorted(firsts, [], [])
        return self._compared(firsts, known)

    def tally(self) -> Tally:
        """What became of the drafts so far."""
        return {action: dict(sorted(by.items())) for action, by in self._counts.items() if by}

    def _firsts(self, pairs: _Pairs) -> _Pairs:
        """Those whose identity comes for the first time in the file."""
        seen = self._seen
        firsts, others = [], []
        for pair in pairs:
            if pair[0] in seen:
                others.append(pair)
            else:
                seen.add(pair[0])
                firsts.append(pair)
        self._count("skipped", others)
        return firsts

    def _compared(self, firsts: _Pairs, known: KnownIdentities) -> Sorted:
        found = Sorted([], [], [])
        skipped, identities = [], known.identities
        for pair in firsts:
            if pair[0] not in identities:
                found.new.append(pair)
            elif self.flags.upsert_metadata and pair[1].metadata is not None:
                found.updated.append(pair)
            elif pair[0] in known.open:
                found.retried.append(pair)
            else:
                skipped.append(pair)
        self._count("created", found.new)
        self._count("updated", found.updated)
        self._count("retried", found.retried)
        self._count("skipped", skipped)
        return found

    def _count(self, action: Action, pairs: _Pairs) -> None:
        self._counts.setdefault(action, Counter()).update([draft.type for _, draft in pairs])


def state_of(draft: ItemDraft, look: Look) -> ItemState:
    """The state of an item as it is registered: `ready` when nothing of its objects has to be read."""
    needs_look = look == "always" or (look == "missing" and draft.media is None)
    return "pending" if needs_look else "ready"
