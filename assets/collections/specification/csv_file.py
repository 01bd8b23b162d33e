"""A CSV specification from its beginning to its end: header rows, and the items of the rows below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.csv_groups import CsvGroups, OpenGroups
from assets.collections.specification.csv_headings import (
    Headings,
    are_headings,
    read_create_video,
    read_headings,
)
from assets.collections.specification.csv_rows import Row, read_rows
from assets.collections.specification.json_explain import title_faults
from assets.collections.specification.problems import ProblemList, refuse_file
from assets.collections.specification.sections import TITLE_CHARACTERS, URL_BYTES
from assets.collections.specification.urls import are_good, default_title, url_faults
from resources.collections.items import ItemDraft
from resources.collections.metadata_values import shown, unkept_text


class CsvFile:
    """One pass over a file.

    Args:
        blocks: its bytes.
        problems: takes what is wrong.
        counts: takes what is there.
        groups: of an earlier pass; None: this is the check.
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        problems: ProblemList,
        counts: SpecificationCounts,
        groups: CsvGroups | None = None,
    ) -> None:
        self._blocks = blocks
        self._problems = problems
        self._counts = counts
        self._open = OpenGroups(groups) if groups else None
        self._headings: Headings | None = None
        self.groups = CsvGroups(problems, counts)

    def read(self, *, with_drafts: bool) -> Iterator[list[ItemDraft]]:
        """The drafts, some thousand at a time; of a file with problems some are missing.

        Args:
            with_drafts: without them the file is only checked and counted; with them an earlier pass has to be there.

        Raises:
            FileProblemError: the file cannot be read further.
        """
        for found in read_rows(self._blocks):
            columns = found.columns(self._headings.width) if self._headings else None
            drafts = self._take_many(found.first, columns) if columns else None
            if drafts is None:
                drafts = self._take_each(found.first, found.rows())
            yield drafts if with_drafts else []
            self._problems.check_limits(self._counts, "0")
            if self._problems.is_refused:
                return
        if self._headings is None:
            refuse_file(
                "1", "csv_header_missing_url", "the file has no header row", "Name the columns"
            )
        if not self._counts.item_count:
            self._problems.refuse("0", "no_items", "the specification has no row", "Add one")
        self.groups.check_held()

    def _take_many(self, first: int, columns: Sequence[Sequence[str]]) -> list[ItemDraft] | None:
        """Rows that are surely good, all of one type; None if one may not be."""
        headings = self._headings
        if headings is None:
            return None
        urls = columns[headings.url]
        titles = columns[headings.title] if headings.title is not None else ("",) * len(urls)
        if not _titles_are_good(titles) or max(map(len, urls)) > URL_BYTES or not are_good(urls):
            return None
        if not headings.has_several:
            self._counts.add(headings.type, len(urls), len(urls))
            return self._singles(first, urls, titles, headings)
        videos: Sequence[str] = ("",) * len(urls)
        if headings.create_video is not None:
            videos = columns[headings.create_video]
        are_titles = all(titles) and not any(map(str.isspace, titles))
        if not are_titles or any(read_create_video(text) is None for text in set(videos)):
            return None
        return self._grouped(first, urls, titles, videos)

    def _singles(
        self, first: int, urls: Sequence[str], titles: Sequence[str], headings: Headings
    ) -> list[ItemDraft]:
        if self._open is None:
            return []
        return [
            ItemDraft(
                str(row),
                headings.type,
                title if title and not title.isspace() else default_title(url),
                (url,),
            )
            for row, (url, title) in enumerate(zip(urls, titles, strict=True), first)
        ]

    def _grouped(
        self, first: int, urls: Sequence[str], titles: Sequence[str], videos: Sequence[str]
    ) -> list[ItemDraft]:
        """Runs of rows with one title, each to its group."""
        drafts: list[ItemDraft] = []
        kind = self._headings.type if self._headings else "image_group"
        start = 0
        for (title, video), run in groupby(zip(titles, videos, strict=True)):
            end = start + len(list(run))
            members = urls[start:end]
            self.groups.add(
                kind,
                title,
                range(first + start, first + end),
                sum(map(len, members)),
                video=read_create_video(video) is True,
                is_default=not video.strip(),
            )
            if self._open:
                drafts.extend(self._open.add(kind, title, members))
            start = end
        return drafts

    def _take_each(self, first: int, rows: list[Row]) -> list[ItemDraft]:
        drafts: list[ItemDraft] = []
        for number, row in enumerate(rows, first):
            if not row:
                continue
            if self._headings is None or are_headings(row):
                self._headings = read_headings(row, str(number))
            else:
                drafts.extend(self._take_row(number, row, self._headings))
        return drafts

    def _take_row(self, number: int, row: Row, headings: Headings) -> list[ItemDraft]:
        at = str(number)
        if len(row) != headings.width:
            message = f"the row has {len(row):,} fields, its header row {headings.width:,}"
            hint = "Quote fields that hold commas"
            self._problems.add(at, "csv_column_count", message, hint)
        elif self._is_good(at, row, headings):
            return self._take_many(number, [[field] for field in row]) or []
        self._counts.add(headings.type, 1, 0)
        return []

    def _is_good(self, at: str, row: Row, headings: Headings) -> bool:
        """Whether nothing is wrong with a row; if something is, it is told."""
        faults = list(url_faults(row[headings.url]))
        title = row[headings.title] if headings.title is not None else ""
        faults += title_faults(title)
        if headings.has_several and (not title or title.isspace()):
            message = "rows of a group or series need its title"
            faults.append(("title_required", message, "Rows of one title make one item"))
        if headings.create_video is not None:
            text = row[headings.create_video]
            if read_create_video(text) is None:
                message = f"Create video is {shown(text)}: true, false or blank is expected"
                faults.append(("create_video_not_boolean", message, ""))
        for fault in faults:
            self._problems.add(at, *fault)
        return not faults


def _titles_are_good(titles: Sequence[str]) -> bool:
    return max(map(len, titles)) <= TITLE_CHARACTERS and not unkept_text("".join(titles))
