"""Bringing one version of one object down to a local file through boto3.

boto3's own `download_file` cannot be told which version to read, so an object replaced half-way would come down as a
mixture, or as the newer one under the older one's name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resources.connectors.files.parts import (
    Announced,
    PartSource,
    byte_range,
    download_parts,
    prove_part,
    read_part,
)
from resources.kernel.records import ObjectInfo

_INCOMPATIBLE = (
    "The system is not compatible with S3 in this; split the object or use another way to it"
)


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
    download_parts(_source(client, request, item), item, path)


def read_range(
    client: Any, request: dict[str, Any], item: ObjectInfo, start: int, end: int
) -> bytes:
    """The bytes of `item` from `start` to before `end`; raises as `download` does."""
    return read_part(_source(client, request, item), item, start, end)


def _source(client: Any, request: dict[str, Any], item: ObjectInfo) -> PartSource:
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    job = _Download(client, request, item)
    return PartSource(job.open_part, (HTTPClientError, IncompleteReadError))


class _Download:
    def __init__(self, client: Any, request: dict[str, Any], item: ObjectInfo) -> None:
        self._client = client
        self._request = {**request, "IfMatch": f'"{item.etag}"'}
        self._item = item

    def open_part(self, start: int, end: int) -> Any:
        """The service's stream of the bytes from `start` to before `end` of the listed version."""
        part = (start, end)
        answer = self._client.get_object(**self._request, **byte_range(self._item, part))
        announced = Announced(
            version=str(answer.get("ETag", "")).strip('"'),
            length=answer["ContentLength"],
            content_range=answer.get("ContentRange") or "",
        )
        try:
            prove_part(self._item, part, announced, incompatible=_INCOMPATIBLE)
        except BaseException:
            answer["Body"].close()
            raise
        return answer["Body"]
