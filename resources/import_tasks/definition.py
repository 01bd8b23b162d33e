"""What a task is told: where its items come from, where they go, and what is made of them.

A definition does not change once the task is made. `check_definition` holds it against every rule that needs neither the
project nor another system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from resources.collections.folders import check_folder
from resources.collections.metadata_names import check_key_name
from resources.import_tasks.formats import endings, format_of, refusal_of
from resources.import_tasks.places import at_place, place_of
from resources.import_tasks.sources import REFERENCE_LIMIT
from resources.import_tasks.web_addresses import glob_problems
from resources.kernel.errors import InputError
from resources.kernel.urls import without_secrets

TargetKind = Literal["collection", "dataset", "image_folder", "classification_set"]
Via = Literal["browser", "api", "cli", "sensor", "schedule"]
"""How a task came to be."""
SourceKind = Literal["web", "upload", "connector"]
Output = Literal["markdown", "json", "text"]
"""What the text of a document is shown as."""

OPTIONS_OF: Mapping[TargetKind, tuple[str, ...]] = {
    "collection": (
        *("output", "title", "details", "ocr", "keep_raw", "fields"),
        *("on_duplicate", "ignore_errors"),
    ),
    "dataset": ("ignore_errors", "form"),
    "image_folder": ("on_duplicate", "ignore_errors"),
    "classification_set": ("ignore_errors", "form"),
}
"""Which of `TaskOptions` each kind of target has a use for. Another one is refused: ignored in silence it would be missed too late."""
NAME_LIMIT = 200
MOST_FILES = 13_000
"""Files that are uploaded into one task."""
MOST_ADDRESSES = 10_000
MOST_PAGES = 100_000
"""That a crawl may be told to take."""
MOST_FIELDS = 100
_PATTERN_LIMIT = 500


class Target(msgspec.Struct, frozen=True):
    """Where the items go."""

    kind: TargetKind
    name: str
    folder: str = ""
    """Of a collection: where its items go; empty: where the collection says."""


class Crawl(msgspec.Struct, frozen=True):
    """How links of pages are followed."""

    depth: int = 1
    """Links from a page that was named; 0: none is followed."""
    same_site: bool = True
    """Whether only pages of the hosts that were named are taken."""
    include: tuple[str, ...] = ()
    """Globs of addresses: those that fit one of them alone; all when empty."""
    exclude: tuple[str, ...] = ()
    """Globs of addresses: those that fit one of them are left out."""
    pages: int = 100
    """Most pages of the task."""
    delay: float = 1.0
    """Seconds between two requests to one site, where its robots.txt does not ask for more."""


class WebSource(msgspec.Struct, frozen=True, tag="web"):
    """Pages of the public web."""

    addresses: tuple[str, ...] = ()
    """`https://` addresses."""
    sitemap: str = ""
    """Or the address of a sitemap, whose pages are taken."""
    crawl: Crawl | None = None
    """None: no link is followed."""


class UploadedFile(msgspec.Struct, frozen=True, gc=False):
    """A file that was uploaded."""

    sha256: str
    """By which the upload is kept."""
    name: str
    size: int


class UploadSource(msgspec.Struct, frozen=True, tag="upload"):
    """Uploaded files, each an item of its own; the members of a ZIP are its items."""

    files: tuple[UploadedFile, ...]


class ConnectorSource(msgspec.Struct, frozen=True, tag="connector"):
    """Objects of a folder, a bucket or a file server."""

    connector: str
    path: str
    """A key or a glob: `reports/**/*.pdf`."""
    keys: tuple[str, ...] = ()
    """Of what the path means these alone; all of it when empty."""


Source = WebSource | UploadSource | ConnectorSource


class FieldRule(msgspec.Struct, frozen=True):
    """A user's own key of an item's metadata, and what fills it."""

    key: str
    description: str = ""
    source: Literal["path", "regex", "metadata"] = "path"
    """`path`: a pattern over the item's reference; `regex`: one over its text; `metadata`: the name of a document's own property."""
    pattern: str = ""
    """Of `path` and `regex`: the first group is the value, or all of it where there is none."""


class TaskOptions(msgspec.Struct, frozen=True):
    """What is made of the items."""

    output: Literal["", "markdown", "json", "text"] = ""
    """What texts are shown as; empty: as the collection says."""
    title: bool = True
    """Whether a document's own title is its item's; else its file name is."""
    details: bool = True
    """Whether a document's own properties (author, dates, description) are kept."""
    ocr: bool = False
    """Whether text in pictures and in scanned pages is read."""
    keep_raw: bool = False
    """Whether the bytes that were read are kept too; a collection with `keep_copies` keeps all."""
    fields: tuple[FieldRule, ...] = ()
    on_duplicate: Literal["skip", "new_version"] = "skip"
    """What becomes of bytes that the folder has under another reference: left out, or an item of their own."""
    ignore_errors: bool | None = None
    """Whether the others go on when one item fails; None: in a collection they do, elsewhere they do not."""
    form: Mapping[str, Any] = {}
    """How files are read into a dataset, as its upload form says it; of collections nothing."""


class TaskDefinition(msgspec.Struct, frozen=True):
    """A task as it was asked for."""

    name: str
    """What people call it, not unique; empty: after its source."""
    target: Target
    source: Source
    options: TaskOptions = TaskOptions()

    @property
    def ignores_errors(self) -> bool:
        """Whether the others go on when one item fails."""
        given = self.options.ignore_errors
        return self.target.kind == "collection" if given is None else given


def parse_definition(given: Mapping[str, Any]) -> TaskDefinition:
    """A definition from what a request or a file has: `{"target": {...}, "source": {"type": "web", ...}}`, checked.

    Raises:
        InputError: a field is missing, unknown, of the wrong kind, or cannot be; names it.
    """
    try:
        found = msgspec.convert(dict(given), TaskDefinition)
    except msgspec.ValidationError as error:
        raise InputError(
            f"this is no import task: {error}",
            hint="See docs/imports.md",
            place=place_of(str(error)),
        ) from None
    return check_definition(found)


def check_definition(given: TaskDefinition) -> TaskDefinition:
    """The definition with a name and a folder as they are kept, held against all rules that need nothing else.

    Raises:
        InputError: what cannot be; names it.
    """
    found = next(_problems(given), None)
    if found is not None:
        place, problem = found
        raise InputError(problem, hint="Correct it; nothing was made", place=place)
    with at_place("target.folder"):
        target = replace(given.target, folder=check_folder(given.target.folder))
    with at_place("options.fields"):
        for rule in given.options.fields:
            check_key_name(rule.key)
    name = " ".join(given.name.split()) or described(given.source)
    return replace(given, name=name[:NAME_LIMIT], target=target)


def kind_of_source(source: Source) -> SourceKind:
    """What kind of source it is."""
    if isinstance(source, WebSource):
        return "web"
    return "upload" if isinstance(source, UploadSource) else "connector"


def described(source: Source) -> str:
    """A source in some words, as a task is called that nobody named: `report.pdf and 2 more`, `lake: reports/**/*.pdf`, `example.org/news and 1 more`."""
    if isinstance(source, ConnectorSource):
        some = "1 object of " if len(source.keys) == 1 else f"{len(source.keys):,} objects of "
        return f"{some if source.keys else ''}{source.connector}: {source.path}"
    if isinstance(source, UploadSource):
        names = [file.name for file in source.files]
    else:
        names = [_shown(address) for address in (source.addresses or (source.sitemap,))]
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else ""


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.hostname or address}{parts.path.rstrip('/')}"[:NAME_LIMIT]


def _problems(given: TaskDefinition) -> Iterator[tuple[str, str]]:
    """What cannot be: the place of each, as the definition has it, and the reason."""
    if not given.name.isprintable():
        yield "name", "the name of a task has printable characters only"
    if len(given.name) > NAME_LIMIT:
        yield "name", f"the name of a task has at most {NAME_LIMIT} characters"
    if not given.target.name:
        yield "target.name", "no target is named"
    if given.target.folder and given.target.kind != "collection":
        yield "target.folder", "only a collection has folders"
    if isinstance(given.source, WebSource):
        yield from _web_problems(given.source)
    elif isinstance(given.source, UploadSource):
        for problem in _upload_problems(given.source, given.target.kind):
            yield "source.files", problem
    else:
        yield from _connector_problems(given.source)
    yield from _option_problems(given.target.kind, given.options)
    for problem in _field_problems(given.options.fields):
        yield "options.fields", problem


def _option_problems(kind: TargetKind, options: TaskOptions) -> Iterator[tuple[str, str]]:
    plain, taken = TaskOptions(), OPTIONS_OF[kind]
    targets, those = f"{kind.replace('_', ' ')}s", ", ".join(taken)
    for name in TaskOptions.__struct_fields__:
        if name not in taken and getattr(options, name) != getattr(plain, name):
            problem = f"{targets} have no use for the option {name!r}: they take {those}"
            yield f"options.{name}", problem


def _connector_problems(source: ConnectorSource) -> Iterator[tuple[str, str]]:
    for place, value in (("connector", source.connector), ("path", source.path.strip())):
        if not value:
            yield f"source.{place}", "a connector and a path there have to be named"
    if len(source.keys) > MOST_FILES:
        yield (
            "source.keys",
            f"{len(source.keys):,} keys: a task takes at most {MOST_FILES:,}; a path may mean more",
        )


def _web_problems(source: WebSource) -> Iterator[tuple[str, str]]:
    named = [*source.addresses, *([source.sitemap] if source.sitemap else [])]
    if not named:
        yield "source.addresses", "no address is named"
    if len(named) > MOST_ADDRESSES:
        yield (
            "source.addresses",
            f"{len(named):,} addresses: a task takes at most {MOST_ADDRESSES:,}; a sitemap may have more",
        )
    for place, address in places_of(source):
        if problem := _address_problem(address):
            yield place, problem
    if source.crawl is not None:
        for problem in _crawl_problems(source.crawl):
            yield "source.crawl", problem


def places_of(source: WebSource) -> Iterator[tuple[str, str]]:
    """Every address that is named, with the place where it stands in the definition."""
    for address in source.addresses:
        yield "source.addresses", address
    if source.sitemap:
        yield "source.sitemap", source.sitemap


def _crawl_problems(crawl: Crawl) -> Iterator[str]:
    if not (0 <= crawl.depth <= 100 and 1 <= crawl.pages <= MOST_PAGES):
        yield f"a crawl has a depth of 0 to 100 and 1 to {MOST_PAGES:,} pages"
    yield from glob_problems([*crawl.include, *crawl.exclude])
    if not 0 <= crawl.delay <= 3_600:
        yield "a crawl waits 0 to 3,600 seconds between two requests to one site"


def _address_problem(address: str) -> str:
    """What is seen of an address without asking anybody; whoever asks for it looks once more (T1)."""
    shown = f"{without_secrets(address)[:80]!r}"
    if address[:8].lower() != "https://":
        return f"{shown} does not begin with https://"
    try:
        parts = urlsplit(address)
        is_plain = parts.username is None and parts.password is None and bool(parts.hostname)
    except ValueError:
        is_plain = False
    if not is_plain or any(c.isspace() or not c.isprintable() for c in address):
        return f"{shown} is no address of a page: a host without user name or password, no blank"
    return f"{shown} is too long" if len(address) > REFERENCE_LIMIT else ""


def _upload_problems(source: UploadSource, kind: TargetKind) -> Iterator[str]:
    if not source.files:
        yield "no file is named"
        return
    if len(source.files) > MOST_FILES:
        yield f"{len(source.files):,} files: a task takes at most {MOST_FILES:,}; a ZIP may hold more"
    seen: set[str] = set()
    for file in source.files:
        if not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
            yield f"{file.name[:80]!r}: {file.sha256[:80]!r} is no SHA-256 of an upload"
        if not file.name or not file.name.isprintable() or len(file.name) > 255:
            yield f"{file.name[:80]!r} is no name of a file"
        if file.name in seen:
            yield f"two files are called {file.name[:80]!r}"
        seen.add(file.name)
    if kind == "collection" and not any(format_of(file.name) for file in source.files):
        # One among others fails alone, at its item.
        yield f"{refusal_of(source.files[0].name)}; taken are {' '.join(endings())}"


def _field_problems(fields: Sequence[FieldRule]) -> Iterator[str]:
    if len(fields) > MOST_FIELDS:
        yield f"a task fills at most {MOST_FIELDS} fields"
    names = [rule.key for rule in fields]
    if len(set(names)) < len(names):
        yield "two of its fields have the same key"
    for rule in fields:
        if not rule.pattern or len(rule.pattern) > _PATTERN_LIMIT:
            yield f"field {rule.key!r}: a pattern has 1 to {_PATTERN_LIMIT} characters"
        elif rule.source != "metadata":
            try:
                re.compile(rule.pattern)
            except re.error as error:
                yield f"field {rule.key!r}: {rule.pattern!r} is no pattern: {error}"
