"""Rows that make one item: those of one title within one type, whatever stands between them.

The check keeps a few numbers for each group. Reading drafts keeps the URLs of groups that are not complete: rows of one
group usually follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.problems import ProblemList, refuse_file
from assets.collections.specification.sections import ITEM_BYTES
from resources.collections.items import ItemDraft, MediaType

_STRING_BYTES = 60
"""What a text costs in memory beside its characters."""
HELD_BYTES = 2 * ITEM_BYTES
"""Of URLs of groups that are not complete."""


@dataclass(slots=True)
class _Known:
    """A group that was seen."""

    first_row: int
    last_row: int
    rows: int
    size: int
    create_video: bool


@dataclass
class CsvGroups:
    """All groups of a file, counted."""

    problems: ProblemList
    counts: SpecificationCounts
    known: dict[MediaType, dict[str, _Known]] = field(default_factory=dict)
    size: int = 0

    def add(
        self,
        kind: MediaType,
        title: str,
        rows: Sequence[int],
        size: int,
        *,
        video: bool,
        is_default: bool,
    ) -> None:
        """Rows of one group that agree on `Create video`.

        Args:
            kind: `image_group` or `dicom_series`.
            title: theirs.
            rows: their numbers.
            size: characters of their URLs.
            video: what they say.
            is_default: they say it by a blank.
        """
        size += _STRING_BYTES * len(rows)
        self.size += size
        groups = self.known.setdefault(kind, {})
        group = groups.get(title)
        if group is None:
            groups[title] = _Known(rows[0], rows[-1], len(rows), size, video)
            made = item_type(kind, is_video=video)
            self.counts.add(made, 1, len(rows))
            if is_default and kind == "image_group":
                self.counts.create_video_default[made] += 1
            return
        if group.create_video != video:
            for row in rows:
                self._refuse_mixed(title, row, group)
        group.rows += len(rows)
        group.last_row = rows[-1]
        group.size += size
        self.counts.add(item_type(kind, is_video=group.create_video), 0, len(rows))

    def _refuse_mixed(self, title: str, row: int, group: _Known) -> None:
        before = "true" if group.create_video else "false"
        message = (
            f"Create video differs within the group {title[:60]!r}: in row {group.first_row} it is"
            f" {before}"
        )
        self.problems.add(str(row), "group_mixed_create_video", message, "A blank counts as true")

    def check_held(self) -> None:
        """Refuses groups of which too much would have to be held until they are complete.

        Raises:
            FileProblemError: item_too_large.
        """
        if self.size <= HELD_BYTES:
            return
        ends = sorted(
            change
            for groups in self.known.values()
            for group in groups.values()
            for change in ((group.first_row, group.size), (group.last_row + 1, -group.size))
        )
        if max(accumulate(change for _, change in ends)) > HELD_BYTES:
            message = f"groups that overlap have more than {HELD_BYTES // 1024**2} MiB of URLs"
            hint = "Sort the rows by their titles, or split the largest group"
            refuse_file("0", "item_too_large", message, hint)


def item_type(kind: MediaType, *, is_video: bool) -> MediaType:
    """What a group of that type becomes."""
    return "image_sequence" if is_video and kind == "image_group" else kind


class OpenGroups:
    """Groups on their way to become drafts: each is given out with its last row."""

    def __init__(self, groups: CsvGroups) -> None:
        self._known = groups.known
        self._urls: dict[tuple[MediaType, str], list[str]] = {}

    def add(self, kind: MediaType, title: str, urls: Sequence[str]) -> Iterator[ItemDraft]:
        """Some more URLs of a group; its draft, if these were the last."""
        held = self._urls.setdefault((kind, title), [])
        held.extend(urls)
        group = self._known[kind][title]
        if len(held) >= group.rows:
            del self._urls[kind, title]
            made = item_type(kind, is_video=group.create_video)
            yield ItemDraft(str(group.first_row), made, title, tuple(held))
