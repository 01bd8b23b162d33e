"""Where the items of a task come from: what a source is to the machinery that carries a task out.

A source is made for one run of one task. It lists the whole first; then items are fetched by many threads at once, in any
order, each once a try. `assets/collections/tasks/` has one for each kind of `Source`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from resources.kernel.errors import InputError

REFERENCE_LIMIT = 16_384
"""Characters of a reference, as of a URL."""


class SourceItem(msgspec.Struct, frozen=True, gc=False):
    """One thing to be brought in."""

    name: str
    """What people call it: a file's name, a key, a path of a page."""
    reference: str
    """Its URL (`https://...`, `s3://bucket/key`, `upload:/NAME`): unique within the task; the item's identity in its target."""
    size: int | None = None
    """In bytes, where the listing says."""
    fingerprint: str = ""
    """An etag, or size and time: the same while it is unchanged. Empty: the listing does not tell."""
    depth: int = 0
    """Links followed to get there."""
    handle: str = ""
    """What the source needs to find it, where the reference does not say: the SHA-256 of an upload, the key of an object."""


class FetchedFile(msgspec.Struct, frozen=True):
    """An item whose bytes are here while its context lives."""

    path: Path
    """A file that may be read, and not be written to."""
    name: str
    """With the ending that tells its format; of a page one that says so, whatever its address is."""
    size: int
    sha256: str
    """In hexadecimal."""
    content_type: str = ""
    """As the server has it; empty: unknown."""
    fingerprint: str = ""
    """As the next listing or request would tell it; empty: unknown."""
    url: str = ""
    """Where a page was after redirects; empty: where it was asked for."""


class Unchanged(msgspec.Struct, frozen=True):
    """The item is as it was when it was brought in before; nothing was fetched."""

    fingerprint: str = ""
    """What it goes by from now on; empty: what is known."""


class KnownFile(msgspec.Struct, frozen=True, gc=False):
    """An item as an earlier try brought it into the same target and folder."""

    fingerprint: str
    sha256: str
    """In hexadecimal."""


class ItemSource(Protocol):
    """The items of one task."""

    def list(self) -> Iterator[SourceItem]:
        """All items, in an order that is the same each time, in bounded memory. The items of a crawl are its first pages.

        Raises:
            InputError: no item is there: says which exist nearby and why each was not meant.
            WaybillError: what concerns the source as a whole: it cannot be reached, may not be listed.
        """

    def fetch(
        self, item: SourceItem, known: KnownFile | None
    ) -> AbstractContextManager[FetchedFile | Unchanged]:
        """The bytes of an item; `Unchanged` where the source knows that they are those of `known`.

        Leaving the context without an error proves that it did not change meanwhile.

        Raises:
            ItemRefusedError: what is wrong with this item alone.
            WaybillError: what all items share; the task fails, and what is done stays.
        """

    def follow(
        self, item: SourceItem, fetched: FetchedFile, links: Sequence[str]
    ) -> Iterator[SourceItem]:
        """What an item leads to, which becomes items of the task: the pages that a crawl finds. Most sources have none.

        Args:
            item: which was fetched.
            fetched: what came of it.
            links: addresses that its text has, as they stand there.
        """


class WithoutLinks:
    """What sources share whose items lead nowhere."""

    def follow(
        self,
        item: SourceItem,  # noqa: ARG002 - as the protocol has it
        fetched: FetchedFile,  # noqa: ARG002 - the same
        links: Sequence[str],  # noqa: ARG002 - the same
    ) -> Iterator[SourceItem]:
        """Nothing."""
        return iter(())


class ItemRefusedError(InputError):
    """Something is wrong with one item: the others go on.

    Args:
        rule: its id; see `rules.py`.
        message: what was found, in one line.
        retry_after: seconds that the other side asks to wait before another try; None: it did not say.
    """

    def __init__(self, rule: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, rule=rule, retry_after=retry_after)

    @property
    def rule(self) -> str:
        """Which rule."""
        return str(self.facts["rule"])

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before another try; None: nobody said."""
        found = self.facts["retry_after"]
        return float(found) if isinstance(found, (int, float)) else None
