"""Small objects by one signed request each.

Of the time that boto3 takes for an object of a few kilobytes, most goes into layers that such a request does not need.
Here the request is signed by botocore and sent over botocore's own connections. Whatever is not the whole object as it
was listed is left to the long way (`download.py`), which tries again, follows regions and finds words for errors.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

from resources.connectors.s3 import client as limits
from resources.connectors.s3.client import Access
from resources.kernel.records import ObjectInfo

_OWN_SIGNATURES = ("--x-s3", "arn:")
"""In names of buckets that want other signatures than S3's ordinary one."""
_GIVE_UP_AFTER = 3
_NO_USE = frozenset({301, 302, 307, 400, 403})
"""Answers that the next object would get as well: another region, another kind of signature."""


class SmallReader:
    """Reads whole small objects of one bucket, from many threads at once."""

    def __init__(self, access: Access, bucket: str, headers: dict[str, str]) -> None:
        self._access = access
        self._bucket = bucket
        self._headers = headers
        self._lock = threading.Lock()
        self._base = ""
        self._http: Any = None
        self._refused = 0
        self._usable = access.credentials is not None and not any(
            mark in bucket for mark in _OWN_SIGNATURES
        )

    def read(self, full: str, item: ObjectInfo) -> bytes | None:
        """The bytes of the object at the whole key `full` if they are those of `item`; None: take the long way."""
        if not self._usable:
            return None
        from botocore.exceptions import BotoCoreError, HTTPClientError
        from urllib3.exceptions import HTTPError

        try:
            answer = self._ask(full, item.etag)
        except (BotoCoreError, HTTPClientError, HTTPError):
            return None
        if answer.status_code in _NO_USE:
            self._refused += 1
            self._usable = self._refused < _GIVE_UP_AFTER
        body: bytes = answer.content
        is_whole = (
            answer.status_code == 200
            and answer.headers.get("ETag", "").strip('"') == item.etag
            and len(body) == item.size_bytes
        )
        return body if is_whole else None

    def _ask(self, full: str, etag: str) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        self._set_up()
        request = AWSRequest(
            "GET",
            self._base + quote(full, safe="/~"),
            headers={"If-Match": f'"{etag}"', **self._headers},
        )
        region = self._access.client.meta.region_name
        S3SigV4Auth(self._access.credentials, "s3", region).add_auth(request)
        return self._http.send(request.prepare())

    def _set_up(self) -> None:
        with self._lock:
            if self._http is not None:
                return
            from botocore.httpsession import URLLib3Session
            from botocore.utils import get_environ_proxies

            # botocore knows best where the bucket answers: any address it makes begins the right way.
            some = self._access.client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": "k"}
            )
            self._base = some.partition("?")[0].removesuffix("k")
            self._http = URLLib3Session(
                verify=self._access.verify,
                proxies=get_environ_proxies(self._base),
                timeout=(limits.CONNECT_TIMEOUT_SECONDS, limits.READ_TIMEOUT_SECONDS),
                max_pool_connections=limits.CONNECTIONS,
            )
