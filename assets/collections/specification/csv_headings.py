"""Headings of a CSV specification: they say what type the rows below are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.collections.specification.problems import refuse_file
from resources.collections.items import SEVERAL, MediaType
from resources.collections.metadata_values import shown

URL_HEADING = "objecturl"
CREATE_VIDEO_HEADING = "create video"
TITLE_HEADINGS: Mapping[str, MediaType] = {
    "video title": "video",
    "image title": "image",
    "image group title": "image_group",
    "dicom title": "dicom_series",
    "series title": "dicom_series",
    "audio title": "audio",
    "text title": "text",
    "pdf title": "pdf",
    "nifti title": "nifti",
}
_KNOWN = "ObjectURL, Create video, and one of " + ", ".join(
    f"{name.capitalize()}" for name in TITLE_HEADINGS
)
_TRUE = frozenset({"", "true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


@dataclass(frozen=True)
class Headings:
    """What the rows below a header row are, and where their fields stand."""

    type: MediaType
    width: int
    url: int
    title: int | None = None
    create_video: int | None = None

    @property
    def has_several(self) -> bool:
        """Rows of one title make one item."""
        return self.type in SEVERAL


def are_headings(row: Sequence[str]) -> bool:
    """Whether a row is a header row: one of its fields names the column of URLs, and none is a URL."""
    is_named = any(_plain(field) == URL_HEADING for field in row)
    return is_named and not any("://" in field for field in row)


def read_headings(row: Sequence[str], at: str) -> Headings:
    """What a header row says.

    Args:
        row: its fields.
        at: the row's number.

    Raises:
        FileProblemError: csv_header_missing_url, csv_header_unknown.
    """
    names = [_plain(field) for field in row]
    if URL_HEADING not in names:
        _refuse_missing(row, at)
    for place, name in enumerate(names):
        is_known = name in (URL_HEADING, CREATE_VIDEO_HEADING) or name in TITLE_HEADINGS
        if not is_known or name in names[:place]:
            reason = "stands twice" if is_known else "is none"
            message = f"the heading {shown(row[place])} in column {place + 1} {reason}"
            refuse_file(at, "csv_header_unknown", message, f"Known: {_KNOWN}. {_METADATA}")
    titles = [name for name in names if name in TITLE_HEADINGS]
    if len(titles) > 1:
        message = f"{shown(titles[0])} and {shown(titles[1])} stand beside each other"
        hint = "Write one header row for each type, each above its rows"
        refuse_file(at, "csv_header_unknown", message, hint)
    kind = TITLE_HEADINGS[titles[0]] if titles else "video"
    if CREATE_VIDEO_HEADING in names and kind != "image_group":
        message = f"Create video means nothing for rows of type {kind}"
        refuse_file(
            at, "csv_header_unknown", message, "Remove the column, or write Image group title"
        )
    return Headings(
        kind,
        len(names),
        names.index(URL_HEADING),
        names.index(titles[0]) if titles else None,
        names.index(CREATE_VIDEO_HEADING) if CREATE_VIDEO_HEADING in names else None,
    )


_METADATA = "Custom and media metadata come with JSON only"


def _refuse_missing(row: Sequence[str], at: str) -> None:
    message = f"no heading is ObjectURL: {shown(', '.join(row))}"
    hint = "Name the column of URLs ObjectURL"
    if len(row) == 1 and any(mark in row[0] for mark in ";\t|"):
        hint = "Separate the columns by commas"
    refuse_file(at, "csv_header_missing_url", message, hint)


def read_create_video(text: str) -> bool | None:
    """What a field says, blank being true as in the rows that others write; None: neither true nor false."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _plain(field: str) -> str:
    return " ".join(field.split()).casefold()
