"""Bringing one version of one object down to a local file, in parts side by side.

boto3's own `download_file` cannot be told which version to read, so an object replaced half-way would come down as a
mixture, or as the newer one under the older one's name.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from resources.connectors.s3.errors import shown
from resources.kernel.errors import ConnectorError, ConnectorUnavailableError, SourceChangedError
from resources.kernel.records import ObjectInfo

PART_BYTES = 16 << 20
PARTS_AT_ONCE = 4
TRIES = 3
"""Attempts at one part; each goes on after the last byte that arrived."""

_CHUNK_BYTES = 1 << 20


def download(client: Any, bucket: str, full_key: str, item: ObjectInfo, path: Path) -> None:
    """Writes exactly the bytes of `item` to `path`, an existing file.

    Raises:
        SourceChangedError: the object is not, or no longer, the one listed (E40).
        ConnectorUnavailableError: cut off before its length (E5).
        ConnectorError: a system that cannot send parts.
        botocore.exceptions.ClientError: what the service refuses, for the caller to translate.
        OSError: what the local disk refuses.
    """
    size = item.size_bytes
    parts = [(at, min(at + PART_BYTES, size)) for at in range(0, size, PART_BYTES)] or [(0, 0)]
    handle = os.open(path, os.O_WRONLY)
    try:
        job = _Download(client, bucket, full_key, item, handle)
        if len(parts) == 1:
            job.fetch(*parts[0])
            return
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            futures = [pool.submit(job.fetch, start, end) for start, end in parts]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        os.close(handle)


class _Download:
    def __init__(
        self, client: Any, bucket: str, full_key: str, item: ObjectInfo, handle: int
    ) -> None:
        self._client = client
        self._request = {"Bucket": bucket, "Key": full_key, "IfMatch": f'"{item.etag}"'}
        self._item = item
        self._handle = handle

    def fetch(self, start: int, end: int) -> None:
        """Brings down the bytes from `start` to before `end`, going on after a cut."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        reached, cause = start, None
        for _ in range(TRIES):
            body = self._open(reached, end)
            try:
                while reached < end and (chunk := body.read(min(_CHUNK_BYTES, end - reached))):
                    os.pwrite(self._handle, chunk, reached)
                    reached += len(chunk)
            except (HTTPClientError, IncompleteReadError) as error:
                cause = error
            finally:
                body.close()
            if reached == end:
                return
        raise ConnectorUnavailableError(
            f"object {shown(self._item.key)} was cut off after {reached} of {self._item.size_bytes} bytes"
            f" in each of {TRIES} attempts",
            hint="Check the network and the service, then try again",
            key=self._item.key,
        ) from cause

    def _open(self, start: int, end: int) -> Any:
        """The service's stream of the bytes from `start` to before `end` of the listed version."""
        is_whole = start == 0 and end == self._item.size_bytes
        extra = {} if is_whole else {"Range": f"bytes={start}-{end - 1}"}
        answer = self._client.get_object(**self._request, **extra)
        # Some systems ignore If-Match or Range: what they send says so.
        etag = str(answer.get("ETag", "")).strip('"')
        total = answer["ContentLength"] if is_whole else _total(answer.get("ContentRange"), start)
        if (etag and etag != self._item.etag) or (total > self._item.size_bytes):
            answer["Body"].close()
            raise SourceChangedError(
                f"object {shown(self._item.key)} changed while it was read: it is no longer the one listed",
                hint="Try again: the next listing shows the new object",
                key=self._item.key,
            )
        if total < 0:
            answer["Body"].close()
            raise ConnectorError(
                f"object {shown(self._item.key)}: the service does not send the part of an object it is asked for",
                hint="The system is not compatible with S3 in this; split the object or use another way to it",
                key=self._item.key,
            )
        return answer["Body"]


def _total(content_range: str | None, start: int) -> int:
    """Whole length from `bytes 16-31/1000` if the part begins at `start`, else -1."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range or "")
    return int(found[2]) if found and int(found[1]) == start else -1
