"""What is behind an address, as its answer says: the media type, the charset, and a file name whose ending fits."""

from __future__ import annotations

import mimetypes
import re
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

HTML = "text/html"
_HTML_TYPES = (HTML, "application/xhtml+xml")
_UNTOLD = (
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/download",
    "text/plain",
)
"""Types behind which anything may be: the name says more."""
_BEGINS_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_NAME_LIMIT = 200
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ENDINGS = {
    HTML: ".html",
    "application/pdf": ".pdf",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    "application/epub+zip": ".epub",
    "application/json": ".json",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "message/rfc822": ".eml",
    "application/zip": ".zip",
    "image/webp": ".webp",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "video/webm": ".webm",
}


def media_type_of(header: str, start: bytes) -> str:
    """The media type of an answer; `text/html` for every page, also for one whose server does not say what it sends.

    Args:
        header: its `Content-Type`.
        start: its first bytes.
    """
    given = header.partition(";")[0].strip().lower()
    is_untold = given in _UNTOLD and given != "text/plain"
    if given in _HTML_TYPES or (is_untold and _BEGINS_HTML.match(start[:4_096])):
        return HTML
    return given


def charset_of(header: str) -> str:
    """The charset that a `Content-Type` announces; empty when it does not."""
    found = _CHARSET.search(header)
    return found[1] if found else ""


def file_name_of(url: str, media_type: str, disposition: str = "") -> str:
    """A file name for what an address gave, with an ending that fits its type.

    Args:
        url: where it came from.
        media_type: see `media_type_of`.
        disposition: the `Content-Disposition` of its answer.
    """
    name = PurePosixPath(_announced(disposition) or unquote(urlsplit(url).path)).name
    clean = "".join(c if c.isprintable() and c not in '\\/:*?"<>|' else "_" for c in name)
    path = PurePosixPath(clean.strip(". ")[-_NAME_LIMIT:] or "page")
    if media_type in _UNTOLD and _ENDING.fullmatch(path.suffix):
        return path.name
    ending = _ENDINGS.get(media_type) or mimetypes.guess_extension(media_type) or path.suffix
    known = mimetypes.guess_type(path.name)[0] == media_type and path.suffix
    return path.name if known or path.suffix.lower() == ending else f"{path.stem}{ending}"


def _announced(disposition: str) -> str:
    message = Message()
    try:
        message["Content-Disposition"] = disposition
        return message.get_filename() or ""
    except (ValueError, LookupError, UnicodeError):
        return ""
