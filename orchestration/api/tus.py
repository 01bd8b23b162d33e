"""The headers of the tus protocol 1.0 (https://tus.io): what is announced, what is answered.

Spoken here and not by a library: those that there are write files and check limits their own way, beside the ones that
uploads have anyway. What is left are headers.
"""

from __future__ import annotations

import base64
import binascii
from email.utils import format_datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from orchestration.services.uploads.incoming import Incoming
from orchestration.services.uploads.receiving import CHECKSUMS

TUS = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
PIECE = "application/offset+octet-stream"
CHECKSUM_MISMATCH = 460
"""A status of this protocol alone."""


def discovery(max_bytes: int) -> dict[str, str]:
    """What of the protocol is spoken."""
    return {
        "Tus-Resumable": TUS,
        "Tus-Version": TUS,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }


def tus_answer(found: Incoming, status: int, **headers: str) -> Response:
    """An answer that says how far a file is."""
    kept = {
        "Tus-Resumable": TUS,
        "Upload-Offset": str(found.offset),
        "Upload-Expires": format_datetime(found.expires_at, usegmt=True),
        "Cache-Control": "no-store",
        **headers,
    }
    if found.size_bytes is not None:
        kept["Upload-Length"] = str(found.size_bytes)
    return Response(None, status, kept)


def check_version(version: str | None) -> None:
    """Refuses another version of the protocol.

    Raises:
        HTTPException: 412, with the version that is spoken.
    """
    if version != TUS:
        raise HTTPException(412, f"Tus-Resumable has to be {TUS}", {"Tus-Version": TUS})


def parse_metadata(text: str) -> dict[str, str]:
    """What `Upload-Metadata` says: names, and values in Base64.

    Raises:
        HTTPException: 400 for a value that is no Base64 of UTF-8.
    """
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError) as error:
            raise HTTPException(400, "Upload-Metadata: a value is no Base64 of UTF-8") from error
    return found


def parse_checksum(given: str | None) -> tuple[str, bytes] | None:
    """What `Upload-Checksum` says: how the digest is made, and the digest.

    Raises:
        HTTPException: 400 for what is none.
    """
    if given is None:
        return None
    name, _, value = given.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "Upload-Checksum: the digest is no Base64") from error
    if name not in CHECKSUMS:
        raise HTTPException(400, f"Upload-Checksum: known are {', '.join(CHECKSUMS)}")
    return name, digest
