"""E-mails: who wrote to whom, and the text. What is attached is named and not opened."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

from resources.documents.kinds import mismatch
from resources.documents.parsers.gathering import Gathered
from resources.documents.parsers.pages import put_tree, tree_of
from resources.documents.parsers.plain import decoded, read_all
from resources.sandbox.ranged_file import RangedFile

_HEADERS = ("to", "cc", "reply-to", "message-id", "in-reply-to")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads an e-mail.

    Raises:
        DocumentRefusedError: it has no header of one.
    """
    message = email.message_from_bytes(read_all(file), policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not any(message.get(n) for n in ("from", "to", "subject", "date")):  # fmt: skip
        raise mismatch("email", "text without its header")
    _put_headers(message, gathered)
    body = message.get_body(preferencelist=("plain", "html"))
    if isinstance(body, EmailMessage):
        _put_body(body, gathered)
    for part in message.iter_attachments():
        gathered.left_out(f"attachment {part.get_filename() or part.get_content_type()}")


def _put_headers(message: EmailMessage, gathered: Gathered) -> None:
    gathered.fact("title", message.get("subject"))
    gathered.fact("author", message.get("from"))
    gathered.fact("created", _sent(message))
    for name in _HEADERS:
        gathered.more(name, message.get(name))
    if language := message.get("content-language"):
        gathered.fact("language", language)


def _sent(message: EmailMessage) -> datetime | str:
    date = str(message.get("date") or "")
    try:
        return parsedate_to_datetime(date)
    except ValueError:
        return date


def _put_body(body: EmailMessage, gathered: Gathered) -> None:
    data = body.get_payload(decode=True)
    text, _ = decoded(data if isinstance(data, bytes) else b"", body.get_content_charset() or "")
    if body.get_content_type() == "text/html":
        put_tree(tree_of(text), gathered)
        return
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        gathered.paragraph(paragraph)
