"""From the listing of a bucket or folder to items: types by extension, groups, natural order, sidecar files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from assets.collections.specification.json_media import read_media
from assets.collections.specification.sections import (
    MOST_URLS,
    SECTIONS,
    TITLE_CHARACTERS,
    Section,
)
from assets.collections.specification.urls import default_title, url_faults
from resources.collections.items import ItemDraft, MediaType
from resources.collections.metadata_frames import check_metadata, normalised
from resources.collections.metadata_schema import MetadataSchema
from resources.collections.metadata_values import (
    METADATA_BYTES,
    check_storable,
    compact,
    parse_json,
    unkept_text,
)

SIDECAR = ".metadata.json"
"""What is added to the name of an object to name the file with its custom metadata."""

_EXTENSIONS: Mapping[MediaType, str] = {
    "image": "jpg jpeg png gif bmp webp tif tiff avif heic jp2",
    "video": "mp4 m4v mov webm mkv avi mpg mpeg",
    "audio": "mp3 wav flac ogg oga opus m4a aac",
    "text": "txt md html htm xml",
    "pdf": "pdf",
    "nifti": "nii nii.gz",
    "dicom_series": "dcm dicom",
}
EXTENSIONS: Mapping[str, MediaType] = {
    extension: kind for kind, listed in _EXTENSIONS.items() for extension in listed.split()
}
"""Extension without its dot -> type."""

SectionName = Literal["videos", "images", "audio", "image_groups", "dicom_series", "text", "pdf", "nifti"]  # fmt: skip
_DIGITS = re.compile(r"([0-9]+)")
_PLAIN = "".join(chr(code) for code in range(33, 127) if chr(code) != "%")
_WEB = ("http://", "https://")
_HASH_BYTES = 8


@dataclass(frozen=True)
class ListedObject:
    """One object of a listing."""

    key: str
    """Its path below the bucket or folder."""
    size: int


@dataclass(frozen=True)
class PassedOver:
    """An object that is in no specification, or not as it is, and why."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MakeOptions:
    """What to make of a listing.

    Args:
        url: of the bucket or folder, to which keys are added: `s3://bucket/`.
        include: whether an object is meant; None: all are.
        section: what all objects are; None: told by their extensions.
        group_by: `folder`, or a pattern whose first group names the image group or series; empty: images stay single.
        sequence: image groups are image sequences.
        sidecar: reads the object with this key; None: sidecar files are not read.
        schema: what their values must fit; None: it is not asked.
        media: media metadata of an object, as a specification may give it; None of it if it cannot be told.
    """

    url: str
    include: Callable[[str], bool] | None = None
    section: SectionName | None = None
    group_by: str = ""
    sequence: bool = False
    sidecar: Callable[[str], bytes] | None = None
    schema: MetadataSchema | None = None
    media: Callable[[ListedObject, MediaType], Mapping[str, Any] | None] | None = None


@dataclass
class PlannedItems:
    """All items in the order in which they are written, and what is none."""

    items: list[ItemDraft] = field(default_factory=list)
    left_out: list[PassedOver] = field(default_factory=list)


def plan_items(listing: Iterable[ListedObject], options: MakeOptions) -> PlannedItems:
    """Items of a listing in any order; the same listing gives the same items."""
    return _Planning(options).plan(listing)


class _Planning:
    def __init__(self, options: MakeOptions) -> None:
        self._options = options
        self._pattern = re.compile(options.group_by) if options.group_by else None
        self._planned = PlannedItems()
        self._sidecars: set[str] = set()

    def plan(self, listing: Iterable[ListedObject]) -> PlannedItems:
        objects = {one.key: one for one in listing if not _is_folder(one)}
        self._sidecars = {
            key for key in objects if key.endswith(SIDECAR) and key.removesuffix(SIDECAR) in objects
        }
        kinds: dict[MediaType, list[ListedObject]] = {}
        include = self._options.include
        for key in sorted(objects, key=natural_order):
            if key not in self._sidecars and (include is None or include(key)):
                kind = self._type(key)
                if kind is None:
                    self._leave_out(key, "no type is known by this extension")
                else:
                    kinds.setdefault(kind, []).append(objects[key])
        for section in SECTIONS.values():
            for draft in self._drafts(section, kinds.pop(section.type, [])):
                self._planned.items.append(draft)
        self._planned.left_out.sort(key=lambda one: natural_order(one.key))
        return self._planned

    def _leave_out(self, key: str, reason: str) -> None:
        self._planned.left_out.append(PassedOver(key, reason))

    def _type(self, key: str) -> MediaType | None:
        """What an object is; None: that is not known."""
        section = self._options.section
        kind = SECTIONS[section].type if section else type_of(key)
        if kind == "image" and self._pattern and self._group(key) is not None:
            return "image_group"
        is_alone = kind == "image_group" and self._group(key) is None
        return "image" if is_alone else kind

    def _group(self, key: str) -> str | None:
        """The title of the group or series of an object; None: it stays alone."""
        folder = "/" + key.rpartition("/")[0]
        if self._pattern is None or self._options.group_by == "folder":
            return folder
        found = self._pattern.search(key)
        if found is None:
            return None
        return found[1] if self._pattern.groups else found[0]

    def _drafts(self, section: Section, objects: list[ListedObject]) -> Iterator[ItemDraft]:
        if not section.has_several:
            yield from (draft for one in objects if (draft := self._single(section, one)))
            return
        groups: dict[str, list[str]] = {}
        for one in objects:
            url = self._url(one.key)
            if url is not None:
                title = self._group(one.key) or "/" + one.key.rpartition("/")[0]
                groups.setdefault(_title(title), []).append(url)
            if one.key + SIDECAR in self._sidecars:
                self._leave_out(one.key + SIDECAR, "a file of a group has no metadata of its own")
        for title in sorted(groups, key=natural_order):
            if len(groups[title]) > MOST_URLS:
                self._leave_out(title, f"the group has more than {MOST_URLS:,} files")
            elif unkept_text(title) or not title.strip():
                self._leave_out(title, "the group's name is blank, or no database keeps it")
            else:
                kind = section.type
                if self._options.sequence and kind == "image_group":
                    kind = "image_sequence"
                yield ItemDraft("", kind, title, tuple(groups[title]))

    def _single(self, section: Section, one: ListedObject) -> ItemDraft | None:
        url = self._url(one.key)
        if url is None:
            return None
        plain = default_title(self._options.url + one.key)
        is_same = plain == default_title(url) or unkept_text(plain) or not plain.strip()
        return ItemDraft(
            "",
            section.type,
            "" if is_same else plain,
            (url,),
            self._media(section, one),
            self._metadata(section, one.key),
        )

    def _url(self, key: str) -> str | None:
        if reason := unkept_text(key):
            self._leave_out(key, f"its name holds {reason}")
            return None
        url = self._options.url + encode_key(key, self._options.url)
        fault = next(url_faults(url), None)
        if fault:
            self._leave_out(key, fault[1])
        return None if fault else url

    def _media(self, section: Section, one: ListedObject) -> bytes | None:
        given = self._options.media(one, section.type) if self._options.media else None
        if given is None or not section.media_member:
            return None
        media, problems = read_media(dict(given), section)
        for _, _, message in problems[:1]:
            self._leave_out(one.key, f"its media metadata: {message}")
        return media

    def _metadata(self, section: Section, key: str) -> bytes | None:
        """What a sidecar file says; it is left out if an import would refuse it."""
        sidecar = key + SIDECAR
        if sidecar not in self._sidecars:
            return None
        if self._options.sidecar is None:
            self._leave_out(sidecar, "custom metadata are not written")
            return None
        try:
            content = self._options.sidecar(sidecar)
            return _read_sidecar(content, section.type, self._options.schema)
        except (ValueError, RecursionError) as error:
            self._leave_out(sidecar, f"no metadata that can be kept: {str(error)[:200]}")
            return None


def _read_sidecar(content: bytes, kind: MediaType, schema: MetadataSchema | None) -> bytes:
    metadata = parse_json(content.decode("utf-8-sig"))
    if not isinstance(metadata, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as what is no JSON at all
    for problem in islice(check_storable(metadata), 1):
        raise ValueError(problem.message)
    for problem in islice(check_metadata(metadata, kind, schema), 1):
        raise ValueError(problem.message)
    data = compact(normalised(metadata))
    if len(data) > METADATA_BYTES:
        raise ValueError(f"it has {len(data):,} bytes, at most {METADATA_BYTES:,} are kept")
    return data


def type_of(key: str) -> MediaType | None:
    """What an object is by its extension; None: it has none that is known."""
    _, *endings = key.rpartition("/")[2].lower().split(".")
    two, one = ".".join(endings[-2:]), endings[-1] if endings else ""
    return EXTENSIONS.get(two) or EXTENSIONS.get(one)


def _is_folder(one: ListedObject) -> bool:
    return not one.key or (one.key.endswith("/") and not one.size)


def natural_order(text: str) -> tuple[tuple[tuple[str, int, str], ...], str]:
    """By what texts are sorted as people do: `f2` before `f10`. Numbers of any length are compared without becoming one."""
    parts = _DIGITS.split(text)
    digits = [part.lstrip("0") for part in parts[1::2]] + [""]
    pairs = zip(parts[::2], digits, strict=True)
    return tuple((word, len(number), number) for word, number in pairs), text


def encode_key(key: str, url: str = "") -> str:
    """A key as part of a URL: white space, control characters and `%` percent-encoded, for HTTP `?` and `#` as well.

    Letters of all languages stay as they are.
    """
    safe = _PLAIN.translate({ord("?"): None, ord("#"): None}) if url.startswith(_WEB) else _PLAIN
    if key.isascii():
        return quote(key, safe=safe)
    return "".join(
        one if not one.isascii() and one.isprintable() else quote(one, safe=safe) for one in key
    )


def _title(title: str) -> str:
    """As it may be written: a longer one ends in a hash of the whole, so that two groups never become one."""
    if len(title) <= TITLE_CHARACTERS:
        return title
    mark = blake2b(title.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
    return f"{title[: TITLE_CHARACTERS - len(mark) - 1]} {mark}"
