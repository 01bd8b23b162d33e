"""Small objects, parts of objects and pages of listings by one signed request each.

Of the time that boto3 takes for an object of a few kilobytes, most goes into layers that such a request does not need.
Here the request is signed by botocore and sent over botocore's own connections. Whatever is not plainly what was asked
for is left to the long way (boto3), which tries again, follows regions and finds words for errors.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

from resources.connectors.files.buckets import (
    FIRST_RANGE,
    ListingPage,
    PageRequest,
    beginning_of,
)
from resources.connectors.s3 import client as limits
from resources.connectors.s3.client import Access
from resources.connectors.s3.pages import page_query, parse_page
from resources.kernel.records import ObjectInfo

_OWN_SIGNATURES = ("--x-s3", "arn:")
"""In names of buckets that want other signatures than S3's ordinary one."""
_GIVE_UP_AFTER = 3
_NO_USE = frozenset({301, 302, 307, 400, 403})
"""Answers that the next object would get as well: another region, another kind of signature."""


class ShortWay:
    """Reads small objects, parts of objects and pages of one bucket, from many threads at once."""

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
        answer = self._ask(quote(full, safe="/~"), {"If-Match": f'"{item.etag}"'})
        if answer is None or answer.headers.get("ETag", "").strip('"') != item.etag:
            return None
        body: bytes = answer.content
        return body if len(body) == item.size_bytes else None

    def read_range(self, full: str, item: ObjectInfo, start: int, end: int) -> bytes | None:
        """The bytes from `start` to before `end` of that object, if they are of `item`; None: take the long way."""
        headers = {"If-Match": f'"{item.etag}"', "Range": f"bytes={start}-{end - 1}"}
        answer = self._ask(quote(full, safe="/~"), headers, expected=206)
        if answer is None or answer.headers.get("ETag", "").strip('"') != item.etag:
            return None
        is_part = (
            answer.headers.get("Content-Range") == f"bytes {start}-{end - 1}/{item.size_bytes}"
        )
        body: bytes = answer.content
        return body if is_part and len(body) == end - start else None

    def beginning(self, key: str, full: str) -> tuple[ObjectInfo, bytes] | None:
        """The object at the whole key `full` and its first bytes; None: take the long way, which finds words for why."""
        answer = self._ask(quote(full, safe="/~"), {"Range": FIRST_RANGE}, expected=206)
        if answer is None:
            return None
        etag = answer.headers.get("ETag", "").strip('"')
        return beginning_of(key, etag, answer.headers.get("Content-Range", ""), answer.content)

    def page(self, request: PageRequest, most: int) -> ListingPage | None:
        """One page of a listing with at most `most` entries; None: take the long way."""
        answer = self._ask(f"?{page_query(request, most)}", {})
        return None if answer is None else parse_page(answer.content)

    def _ask(self, target: str, headers: dict[str, str], *, expected: int = 200) -> Any:
        """The answer with the expected status, or None."""
        from botocore.exceptions import BotoCoreError, HTTPClientError
        from urllib3.exceptions import HTTPError

        if not self._usable:
            return None
        try:
            answer = self._send(target, headers)
            answer.content  # noqa: B018 - the body arrives here
        except (BotoCoreError, HTTPClientError, HTTPError):
            return None
        if answer.status_code in _NO_USE:
            self._refused += 1
            self._usable = self._refused < _GIVE_UP_AFTER
        return answer if answer.status_code == expected else None

    def _send(self, target: str, headers: dict[str, str]) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        self._set_up()
        base = self._base.rstrip("/") if target.startswith("?") else self._base
        request = AWSRequest("GET", base + target, headers={**headers, **self._headers})
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
