"""What becomes of one fetched file: a document with its text, or media with their facts. What is wrong with it is its item's error."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from assets.collections.declaration import CollectionSpec
from assets.collections.texts import pack, plain_document
from resources.collections.items import MediaType
from resources.collections.metadata_frames import check_metadata
from resources.collections.metadata_schema import MetadataKey, MetadataSchema
from resources.collections.metadata_values import check_storable, compact
from resources.import_tasks.definition import TaskOptions
from resources.import_tasks.formats import TEXT_TYPES, format_of, refusal_of
from resources.import_tasks.items import TaskItem
from resources.import_tasks.sources import FetchedFile, ItemRefusedError
from resources.kernel.errors import InputError
from resources.sandbox.ranges import LocalSource
from resources.stores.catalog.import_tasks.collecting import BroughtItem, ReadText
from resources.stores.media.writer import MediaWriter

if TYPE_CHECKING:
    from resources.documents.document import Document
    from resources.documents.reader import DocumentReader
    from resources.media.prober import Prober

_TITLE_LIMIT = 300
_HEAD = 4_096
_HTML = ("text/html", "application/xhtml+xml")
_OF_MEDIA = {"object_type_mismatch": "type_mismatch"}
"""Rules of media files by other names; all others are `unreadable`."""


@dataclass(frozen=True)
class ReadItem:
    """A file that was read."""

    brought: BroughtItem
    links: tuple[str, ...] = ()
    """Addresses that its text has."""


@dataclass(frozen=True)
class ItemReader:
    """Reads fetched files; for many threads at once.

    Args:
        spec: the collection that they go into.
        options: of the task.
        schema: what custom metadata is held against.
        is_web: whether pages are read as such.
        keeps: what keeps the bytes of items; None: they are not kept.
        keeps_texts: whether bytes are kept of items whose text is read too.
        documents: reads texts; None: the collection takes none.
        prober: looks into media; None: the collection is never looked at.
    """

    spec: CollectionSpec
    options: TaskOptions
    schema: MetadataSchema | None
    is_web: bool
    keeps: MediaWriter | None
    keeps_texts: bool
    documents: DocumentReader | None
    prober: Prober | None

    @property
    def made_with(self) -> str:
        """Stands for all that decides what is made of the same bytes."""
        options = self.options
        facts = (options.output, options.title, options.details, options.ocr, options.keep_raw, options.fields, self.spec.documents)  # fmt: skip
        return blake2b(msgspec.json.encode(facts), digest_size=8).hexdigest()

    def type_of(self, name: str, content_type: str = "") -> MediaType:
        """What an item of a file is.

        Raises:
            ItemRefusedError: tasks, or the collection, do not take it.
        """
        kind: MediaType | None
        if self.is_web and content_type.partition(";")[0].strip().lower() in _HTML:
            kind = "page"
        else:
            found = format_of(name)
            if found is None:
                raise ItemRefusedError("format_not_taken", refusal_of(name))
            kind = found.type
        if kind is None:
            reason = "a ZIP is opened where it was uploaded, not within another one or in a connector: unpack it there"
            raise ItemRefusedError("format_not_taken", reason)
        self._check_taken(kind)
        return kind

    def check_size(self, name: str, size: int | None) -> None:
        """Refuses a text that is too large before it is fetched.

        Raises:
            ItemRefusedError: see there.
        """
        limits = self.spec.documents and self.spec.documents.limits
        found = format_of(name)
        if size == 0:
            raise ItemRefusedError("empty", "it has 0 bytes")
        if limits and size and found and found.has_text and size > limits.file_mb * 1_000_000:
            raise ItemRefusedError(
                "over_size", f"it has {size:,} bytes, at most {limits.file_mb:,} MB are read"
            )

    def read(self, item: TaskItem, fetched: FetchedFile) -> ReadItem:
        """What is in a file.

        Raises:
            ItemRefusedError: what is wrong with it.
            WaybillError: what all files share.
        """
        kind = self.type_of(fetched.name, fetched.content_type)
        self.check_size(fetched.name, fetched.size)
        has_text = self.documents is not None and kind in TEXT_TYPES
        document, media = None, None
        try:
            if has_text:
                document = self._document(kind, fetched)
                media = _facts(kind, fetched, document)
            else:
                media = self._probed(kind, fetched)
                document = self._recognised(kind, fetched)
        except InputError as error:
            raise _refusal(error) from error
        objects = None
        if self.keeps is not None and (self.keeps_texts or not has_text):
            with fetched.path.open("rb") as stream:
                objects = msgspec.json.encode([self.keeps.keep(stream).sha256])
        links = tuple(link.target for link in document.links) if document is not None else ()
        brought = BroughtItem(
            number=item.number,
            type=kind,
            reference=item.reference,
            title=self._title(item, document),
            sha256=fetched.sha256,
            size=fetched.size,
            fingerprint=fetched.fingerprint or item.fingerprint,
            made_with=self.made_with,
            media=media,
            metadata=self._metadata(kind, item, document),
            objects=objects,
            text=None if document is None else self._text(document),
        )
        return ReadItem(brought, links)

    def _check_taken(self, kind: MediaType) -> None:
        name = self.spec.name
        if not self.spec.takes(kind):
            raise ItemRefusedError(
                "type_not_taken",
                f"collection {name} takes {', '.join(self.spec.types)}, not {kind}",
            )
        if kind in ("document", "page") and self.documents is None:
            raise ItemRefusedError(
                "type_not_taken",
                f"collection {name} reads no documents: declare `documents:` for it",
            )

    def _document(self, kind: MediaType, fetched: FetchedFile) -> Document:
        from resources.documents.kinds import check_kind
        from resources.documents.requests import ReadWanted

        assert self.documents is not None  # noqa: S101 - for the type checker: `read` has looked
        source = LocalSource(fetched.path, fetched.name)
        wanted = ReadWanted(
            ocr=self.options.ocr,
            address=fetched.url,
            charset=_charset_of(fetched.content_type),
        )
        if kind == "page":
            return self.documents.read("webpage", source, wanted)
        head = source.read_range(0, _HEAD)
        return self.documents.read(check_kind(fetched.name, head, fetched.size), source, wanted)

    def _recognised(self, kind: MediaType, fetched: FetchedFile) -> Document | None:
        """Text in a picture."""
        if kind != "image" or not self.options.ocr or self.documents is None:
            return None
        lines = self.documents.recognise(LocalSource(fetched.path, fetched.name))
        return plain_document(lines) if lines else None

    def _probed(self, kind: MediaType, fetched: FetchedFile) -> bytes | None:
        if self.prober is None:
            return None
        looked = self.prober.look(kind, [LocalSource(fetched.path, fetched.name)])
        if looked.problems:
            first = looked.problems[0]
            raise ItemRefusedError(_OF_MEDIA.get(first.rule, "unreadable"), first.message)
        _check_ending(fetched.name, looked.media)
        return looked.media

    def _title(self, item: TaskItem, document: Document | None) -> str:
        own = document.title if document is not None and self.options.title else ""
        name = item.name.rpartition("/")[2] or item.name
        return " ".join((own or name).split())[:_TITLE_LIMIT] or item.reference[:_TITLE_LIMIT]

    def _text(self, document: Document) -> ReadText:
        kept = document if self.options.details else _without_details(document)
        output = self.options.output
        return ReadText(
            pack(kept), output, document.characters, len(document.pages), document.language
        )

    def _metadata(self, kind: MediaType, item: TaskItem, document: Document | None) -> bytes | None:
        """The task's own fields, as the schema declares them.

        Raises:
            ItemRefusedError: a value does not fit.
        """
        if not self.options.fields:
            return None
        from resources.documents.document import Document
        from resources.documents.fields import fill

        try:
            found = fill(self.options.fields, item.reference, document or Document())
        except InputError as error:
            raise ItemRefusedError("metadata_refused", error.message) from error
        values = {name: _typed(self._key(name), text) for name, text in found.items()}
        problems = [*check_storable(values), *check_metadata(values, kind, self.schema)]
        if problems:
            first = problems[0]
            raise ItemRefusedError(
                "metadata_refused", f"field {'.'.join(first.path)}: {first.message}"
            )
        return compact(values) if values else None

    def _key(self, name: str) -> MetadataKey | None:
        return self.schema.active(name) if self.schema else None


def _check_ending(name: str, media: bytes | None) -> None:
    """Refuses a picture, sound or video of another format than its name says.

    Raises:
        ItemRefusedError: see there.
    """
    expected = format_of(name)
    found = msgspec.json.decode(media).get("mime_type", "") if media else ""
    if expected and expected.contents and found and found not in expected.contents:
        raise ItemRefusedError(
            "type_mismatch",
            f"Its ending says {expected.title}, and it is a file of type {found}",
        )


def _charset_of(content_type: str) -> str:
    """What a server said of the encoding of a text; empty: nothing."""
    if "charset" not in content_type.lower():
        return ""
    message = Message()
    message["Content-Type"] = content_type
    return str(message.get_content_charset(""))


def _typed(key: MetadataKey | None, text: str) -> Any:
    """A text as its key declares it, where it says so: rules find texts alone."""
    if key is None:
        return text
    if key.kind == "number":
        try:
            return int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            return text
    words: Mapping[str, bool] = {"true": True, "false": False}
    return words.get(text.lower(), text) if key.kind == "boolean" else text


def _facts(kind: MediaType, fetched: FetchedFile, document: Document) -> bytes:
    if kind == "pdf":
        return compact({"file_size": fetched.size, "num_pages": len(document.pages)})
    told = fetched.content_type.partition(";")[0].strip()
    mime = told or mimetypes.guess_type(Path(fetched.name).name)[0] or "application/octet-stream"
    return compact({"file_size": fetched.size, "mime_type": mime})


def _without_details(document: Document) -> Document:
    return msgspec.structs.replace(
        document, author="", created="", modified="", description="", metadata={}
    )


def _refusal(error: InputError) -> ItemRefusedError:
    """A file that breaks a rule of its reader; any other error of input is passed on.

    Raises:
        InputError: it names no rule.
    """
    if isinstance(error, ItemRefusedError):
        return error
    rule = error.facts.get("rule")
    if not isinstance(rule, str):
        raise error
    return ItemRefusedError(_OF_MEDIA.get(rule, rule), error.message)
