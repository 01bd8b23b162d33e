"""Bringing one version of one object down to a local file through boto3.

boto3's own `download_file` cannot be told which version to read, so an object replaced half-way would come down as a
mixture, or as the newer one under the older one's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from resources.connectors.files.key_patterns import shown
from resources.connectors.files.parts import PartSource, download_parts
from resources.kernel.errors import ConnectorError, SourceChangedError
from resources.kernel.records import ObjectInfo


def download(client: Any, request: dict[str, Any], item: ObjectInfo, path: Path) -> None:
    """Writes exactly the bytes of `item` to `path`, an existing file.

    Args:
        client: boto3's.
        request: bucket, whole key and what else every request about it says.
        item: the object as it was listed.
        path: where to.

    Raises:
        SourceChangedError: the object is not, or no longer, the one listed (E40).
        ConnectorUnavailableError: cut off before its length (E5).
        ConnectorError: a system that cannot send parts.
        botocore.exceptions.ClientError: what the service refuses, for the caller to translate.
        OSError: what the local disk refuses.
    """
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    job = _Download(client, request, item)
    download_parts(PartSource(job.open_part, (HTTPClientError, IncompleteReadError)), item, path)


class _Download:
    def __init__(self, client: Any, request: dict[str, Any], item: ObjectInfo) -> None:
        self._client = client
        self._request = {**request, "IfMatch": f'"{item.etag}"'}
        self._item = item

    def open_part(self, start: int, end: int) -> Any:
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
