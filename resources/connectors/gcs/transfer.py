"""Bytes of one object, down and up: never a mixture of two generations, never a part of an upload visible."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resources.connectors.files.buckets import FIRST_BYTES, FIRST_RANGE, beginning_of
from resources.connectors.files.parts import (
    Announced,
    PartSource,
    byte_range,
    download_parts,
    prove_part,
    read_part,
)
from resources.connectors.gcs.client import BucketSession, Call, object_target
from resources.connectors.gcs.errors import GcsRefusal
from resources.kernel.records import ObjectInfo
from resources.kernel.retries import RetryPolicy

FIELDS = "name,size,generation,updated,md5Hash"
UPLOAD_RETRIES = RetryPolicy(5)
"""Of an upload; each try goes on after the last byte that the service has kept. The pauses are those of asking for it."""

_HASHED_BYTES = 1 << 20
_INCOMPLETE = 308
_NOTHING_THERE = 416
"""What the service answers to a range of an empty object."""
_INCOMPATIBLE = "The system is not compatible with Google Cloud Storage in this"


def download(session: BucketSession, full: str, item: ObjectInfo, path: Path) -> None:
    """Writes exactly the bytes of `item` to `path`, an existing file.

    Raises:
        SourceChangedError: the object is not, or no longer, the one listed (E40).
        ConnectorUnavailableError: cut off before its length (E5).
        ConnectorError: a service that cannot send parts.
        GcsRefusal: what the service refuses; also what `requests` and `google.auth` raise: for the caller to translate.
        OSError: what the local disk refuses.
    """
    download_parts(_source(session, full, item), item, path)


def read_range(session: BucketSession, full: str, item: ObjectInfo, start: int, end: int) -> bytes:
    """The bytes of `item` from `start` to before `end`; raises as `download` does."""
    return read_part(_source(session, full, item), item, start, end)


def read_beginning(session: BucketSession, key: str, full: str) -> tuple[ObjectInfo, bytes] | None:
    """An object and its first bytes, by one request; None when the answer does not tell both, as of an empty object.

    Raises:
        GcsRefusal: what the service refuses; also what `requests` and `google.auth` raise: for the caller to translate.
    """
    headers = {"Accept-Encoding": "gzip", "Range": FIRST_RANGE}
    try:
        answer = session.ask(
            Call(object_target(full), query={"alt": "media"}, headers=headers, stream=True)
        )
    except GcsRefusal as refusal:
        if refusal.status == _NOTHING_THERE:
            return None
        raise
    with answer:
        data = answer.raw.read(FIRST_BYTES, decode_content=False)
        generation = answer.headers.get("X-Goog-Generation", "")
        return beginning_of(key, generation, answer.headers.get("Content-Range", ""), data)


def _source(session: BucketSession, full: str, item: ObjectInfo) -> PartSource:
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    job = _Download(session, full, item)
    return PartSource(job.open_part, (HTTPError, RequestException))


class _Download:
    def __init__(self, session: BucketSession, full: str, item: ObjectInfo) -> None:
        self._session = session
        self._target = object_target(full)
        self._item = item

    def open_part(self, start: int, end: int) -> _Body:
        """The service's stream of the bytes from `start` to before `end` of the listed generation."""
        part, item = (start, end), self._item
        answer = self._session.ask(
            Call(
                self._target,
                query={"alt": "media", "ifGenerationMatch": item.etag},
                # Objects kept compressed come as they are kept, not decompressed on the way.
                headers={"Accept-Encoding": "gzip", **byte_range(item, part)},
                stream=True,
            )
        )
        announced = Announced(
            version=answer.headers.get("X-Goog-Generation", ""),
            length=int(answer.headers.get("Content-Length") or item.size_bytes),
            content_range=answer.headers.get("Content-Range", ""),
        )
        try:
            prove_part(item, part, announced, incompatible=_INCOMPATIBLE)
        except BaseException:
            answer.close()
            raise
        return _Body(answer)


class _Body:
    """An answer's bytes as they were sent."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def read(self, amount: int, /) -> bytes:
        data: bytes = self._answer.raw.read(amount, decode_content=False)
        return data

    def close(self) -> None:
        self._answer.close()


@dataclass(frozen=True)
class GcsUpload:
    """What is uploaded, and over which generation."""

    full: str
    source: Path
    size_bytes: int
    over: str
    """The generation that is replaced; `0`: there is none."""
    md5: str
    """Base64, as the service writes it."""

    @classmethod
    def of(cls, full: str, source: Path, size_bytes: int, over: str) -> GcsUpload:
        """Reads the file once, for its digest."""
        digest = hashlib.md5(usedforsecurity=False)
        with source.open("rb") as file:
            while block := file.read(_HASHED_BYTES):
                digest.update(block)
        return cls(full, source, size_bytes, over, base64.b64encode(digest.digest()).decode())


class _StoppedShortError(Exception):
    """An upload that ended before its end; its cause is what ended it."""


def upload(session: BucketSession, job: GcsUpload) -> dict[str, Any]:
    """Uploads a file; the object appears whole when the last byte has arrived and its digest fits, or not at all.

    Returns:
        What the service says about the new object.

    Raises:
        GcsRefusal: 412 when the object was written by another client meanwhile.
        requests.RequestException: cut off in every attempt.
    """
    import requests

    address = _begin(session, job)
    kept = 0

    def go_on() -> dict[str, Any]:
        nonlocal kept
        broken: Exception = requests.ConnectionError("the service kept asking for more")
        try:
            told = _send(session, address, job, kept)
        except (requests.ConnectionError, requests.Timeout, GcsRefusal) as error:
            if isinstance(error, GcsRefusal) and error.status < 500:
                raise
            broken, told = error, _ask_how_far(session, address, job)
        if isinstance(told, dict):
            return told
        kept = told
        raise _StoppedShortError from broken

    try:
        return UPLOAD_RETRIES.run(go_on, may_pass=lambda e: isinstance(e, _StoppedShortError))
    except _StoppedShortError as error:
        raise error.__cause__ or error from None  # `go_on` always gives a cause


def _begin(session: BucketSession, job: GcsUpload) -> str:
    answer = session.ask(
        Call(
            session.address("/o", upload=True),
            "POST",
            query={
                "uploadType": "resumable",
                "name": job.full,
                "ifGenerationMatch": job.over,
                "fields": FIELDS,
            },
            headers={
                "Content-Type": "application/json",
                "X-Upload-Content-Length": str(job.size_bytes),
            },
            body=json.dumps({"name": job.full, "md5Hash": job.md5}).encode(),
        )
    )
    return str(answer.headers["Location"])


def _send(session: BucketSession, address: str, job: GcsUpload, start: int) -> dict[str, Any] | int:
    headers = {"Content-Type": "application/octet-stream"}
    if job.size_bytes:
        headers["Content-Range"] = f"bytes {start}-{job.size_bytes - 1}/{job.size_bytes}"
    with job.source.open("rb") as file:
        file.seek(start)
        body = file if job.size_bytes else b""
        return _told_or_kept(session.ask_once(_put(address, headers, body)))


def _ask_how_far(session: BucketSession, address: str, job: GcsUpload) -> dict[str, Any] | int:
    headers = {"Content-Range": f"bytes */{job.size_bytes}"}
    return _told_or_kept(session.ask(_put(address, headers, b"")))


def _put(address: str, headers: dict[str, str], body: Any) -> Call:
    return Call(
        address, "PUT", headers=headers, body=body, accepted=frozenset({200, 201, _INCOMPLETE})
    )


def _told_or_kept(answer: Any) -> dict[str, Any] | int:
    """What the service says of the object if it has it whole; else how many bytes it has kept."""
    if answer.status_code != _INCOMPLETE:
        told: dict[str, Any] = answer.json()
        return told
    found = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
