"""A bucket of S3, or of one of the many systems that speak its protocol.

Here: listing, reading and replacing objects. Not here: what an object holds (`resources/formats`), what the service's
errors mean (`errors.py`), how bytes come down in parts (`download.py`), how boto3 is set up (`client.py`).
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from resources.connectors.base import FileConnector
from resources.connectors.key_patterns import KEY_LIMIT_BYTES, KeyPattern, check_key
from resources.connectors.os_errors import translate_os_error
from resources.connectors.s3.client import check_endpoint, new_client
from resources.connectors.s3.download import download
from resources.connectors.s3.errors import is_expired, shown, translate_s3_error
from resources.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    WaybillError,
)
from resources.kernel.records import CheckReport, ObjectInfo

PAGE_KEYS = 1000
"""Keys in one answer of a listing; S3 sends no more."""

_MULTIPART_BYTES = 16 << 20
_UPLOAD_THREADS = 4
_EXTENSION = re.compile(r"(\.[a-z0-9]{1,8}){1,2}")
_T = TypeVar("_T")


class S3Connector(FileConnector):
    """The objects of `bucket` below `prefix`; keys are relative to the prefix.

    An etag is the service's own. What is read is exactly the object that was listed: every request names its etag.

    Args:
        name: the user's name for the connector.
        bucket: the bucket's name.
        prefix: the part of the bucket that belongs to this connector; all of it when empty.
        endpoint_url: address of an S3-alike; AWS when None.
        region: the bucket's region; the environment's when None.
        access_key: with `secret_key`; without both, the standard chain (variables, profile, role) finds them.
        secret_key: never shown by repr, errors or logs.

    Raises:
        ConfigError: half of a pair of keys, an address that is none or holds a password, a prefix with `..`.
    """

    kind: ClassVar[str] = "s3"

    def __init__(
        self,
        name: str,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> None:
        self.name = name
        self.bucket = bucket
        self.prefix = _check_prefix(name, prefix)
        self.endpoint_url = check_endpoint(name, endpoint_url)
        self.region = region
        if bool(access_key) != bool(secret_key):
            missing = "secret_key" if access_key else "access_key"
            raise ConfigError(
                f"connector {name!r}: `{missing}:` is missing or empty",
                hint="Give both keys, or none to use the credentials of the process",
            )
        self._keys: Callable[[], dict[str, str]] = lambda: (
            {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
            if access_key and secret_key
            else {}
        )
        self._lock = threading.Lock()
        self._made_client: Any = None

    def __repr__(self) -> str:
        return (
            f"S3Connector(name={self.name!r}, bucket={self.bucket!r}, prefix={self.prefix!r},"
            f" endpoint_url={self.endpoint_url!r}, region={self.region!r})"
        )

    def check(self) -> CheckReport:
        """Whether the bucket answers and may be listed with these credentials; else the service's real reason."""
        facts = {"bucket": self.bucket, "endpoint": self._endpoint}
        if self.prefix:
            facts["prefix"] = self.prefix
        try:
            page = self._list_page("list", Prefix=self._full(""), MaxKeys=1)
            facts["region"] = str(self._client().meta.region_name)
        except WaybillError as error:
            return CheckReport(ok=False, detail=str(error), facts=facts)
        facts["empty"] = "no" if page.get("Contents") else "yes"
        return CheckReport(
            ok=True, detail=f"bucket {self.bucket} at {self._endpoint} can be listed", facts=facts
        )

    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """The objects that match, in ascending order of key, a page of 1,000 at a time.

        The service leaves out what cannot match: other beginnings than the pattern's, and, where only the last part
        of the path varies, everything in folders below. Keys that end in `/` stand for folders and are left out.

        Raises:
            ConfigError: a pattern that makes no sense.
            NotFoundError: no such bucket.
            ConnectorAuthError: credentials or rights.
            ConnectorUnavailableError: unreachable.
        """
        selection = KeyPattern(pattern)
        request: dict[str, Any] = {"Prefix": self._full(selection.prefix), "MaxKeys": PAGE_KEYS}
        if selection.is_key:
            request["MaxKeys"] = 1  # keys that only begin like it come later
        elif selection.is_one_folder:
            request["Delimiter"] = "/"
        if after:
            request["StartAfter"] = self._full(after)
        return self._list(selection, request)

    def stat(self, key: str) -> ObjectInfo:
        """The object at `key`.

        Raises:
            NotFoundError: no such object, or no such bucket.
            InputError: a key that no object can have.
        """
        full = self._readable(key)
        answer = self._head(key, full)
        return self._describe(
            {
                "Key": full,
                "Size": answer["ContentLength"],
                "ETag": answer["ETag"],
                "LastModified": answer["LastModified"],
            }
        )

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:
        """Downloads exactly the version that was listed, in parts side by side; removes the copy afterwards (E40)."""
        full = self._readable(item.key)
        path = self._new_local_file(item.key, scratch)
        try:
            try:
                self._call(
                    "read", item.key, lambda client: download(client, self.bucket, full, item, path)
                )
            except OSError as error:
                raise translate_os_error(
                    error, f"connector {self.name!r}: download to", path
                ) from error
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source`; the object appears whole when the last byte has arrived, or not at all (2d).

        Parts of an upload that fails are removed; those of a process that was killed stay invisible until the
        bucket's lifecycle rule (`AbortIncompleteMultipartUpload`) removes them.

        Raises:
            InputError: a key that no object may have.
            ConflictError: somebody else replaced the object at the same moment.
        """
        full = self._full(check_key(key))
        self._readable(key)
        try:
            size = source.stat().st_size
            with source.open("rb"):
                pass
        except OSError as error:
            raise translate_os_error(error, f"connector {self.name!r}: upload", source) from error
        self._call("write", key, lambda client: _upload(client, source, self.bucket, full))
        stored = self.stat(key)
        if stored.size_bytes != size:
            raise ConflictError(
                f"connector {self.name!r}: {shown(key)} has {stored.size_bytes} bytes after {size} were written:"
                " somebody else wrote it at the same moment",
                hint="Let one exporter only write to a key",
                key=key,
            )
        return stored

    @property
    def _endpoint(self) -> str:
        return self.endpoint_url or "AWS"

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _readable(self, key: str) -> str:
        """The whole key in the bucket. Any text is a key there, `..` too: nothing local is named after it (T19)."""
        full = self._full(key)
        if not key or len(full.encode(errors="replace")) > KEY_LIMIT_BYTES:
            raise InputError(
                f"connector {self.name!r}: {shown(key)} cannot be a key:"
                f" with the prefix it must have 1 to {KEY_LIMIT_BYTES} bytes",
                hint="Use a shorter key",
                key=key[:200],
            )
        return full

    def _new_local_file(self, key: str, scratch: Path) -> Path:
        extension = _EXTENSION.search(key[-18:].lower().rpartition("/")[2])
        ending = extension.group() if extension and key.lower().endswith(extension.group()) else ""
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(
                prefix=hashlib.sha256(key.encode(errors="replace")).hexdigest()[:16] + "-",
                suffix=ending,
                dir=scratch,
            )
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self.name!r}: download to", scratch
            ) from error
        with open(handle, "wb"):  # noqa: PTH123 - closes the descriptor that mkstemp opened
            return Path(path)

    def _list(self, selection: KeyPattern, request: dict[str, Any]) -> Iterator[ObjectInfo]:
        while True:
            page = self._list_page("list", **request)
            for found in page.get("Contents", ()):
                info = self._describe(found)
                if info.key and not info.key.endswith("/") and selection.matches(info.key):
                    yield info
            if selection.is_key or not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _list_page(self, attempt: str, **request: Any) -> dict[str, Any]:
        page: dict[str, Any] = self._call(
            attempt, "", lambda client: client.list_objects_v2(Bucket=self.bucket, **request)
        )
        return page

    def _head(self, key: str, full: str) -> dict[str, Any]:
        def ask(client: Any) -> dict[str, Any]:
            from botocore.exceptions import ClientError

            try:
                answer: dict[str, Any] = client.head_object(Bucket=self.bucket, Key=full)
            except ClientError:
                # HEAD has no body, so no reason: a GET of the first byte is refused in words.
                client.get_object(Bucket=self.bucket, Key=full, Range="bytes=0-0")["Body"].close()
                raise
            return answer

        return self._call("look at", key, ask)

    def _describe(self, found: dict[str, Any]) -> ObjectInfo:
        key = found["Key"]
        return ObjectInfo(
            key=key[len(self.prefix) + 1 :] if self.prefix else key,
            size_bytes=found["Size"],
            etag=found["ETag"].strip('"'),
            modified_at=found["LastModified"],
        )

    def _call(self, attempt: str, key: str, ask: Callable[[Any], _T]) -> _T:
        """`ask` with a client; expired credentials are read anew once (E47); errors in our words."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        tries_left = 1
        while True:
            try:
                return ask(self._client())
            except (BotoCoreError, ClientError, Boto3Error) as error:
                vendor = _innermost(error)
                if is_expired(vendor) and tries_left:
                    tries_left -= 1
                    with self._lock:
                        self._made_client = None
                    continue
                raise translate_s3_error(
                    vendor,
                    connector=self.name,
                    bucket=self.bucket,
                    endpoint=self._endpoint,
                    attempt=attempt,
                    key=key,
                ) from error

    def _client(self) -> Any:
        with self._lock:
            if self._made_client is None:
                self._made_client = new_client(self.endpoint_url, self.region, self._keys())
            return self._made_client


def _upload(client: Any, source: Path, bucket: str, full: str) -> None:
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(
        multipart_threshold=_MULTIPART_BYTES,
        multipart_chunksize=_MULTIPART_BYTES,
        max_concurrency=_UPLOAD_THREADS,
    )
    client.upload_file(str(source), bucket, full, Config=config)


def _innermost(error: Exception) -> Exception:
    """The service's answer inside the text that boto3's transfers make of it."""
    inner = error.__cause__ or error.__context__
    is_wrapped = type(error).__name__ in ("S3UploadFailedError", "RetriesExceededError")
    return inner if is_wrapped and isinstance(inner, Exception) else error


def _check_prefix(name: str, prefix: str) -> str:
    trimmed = prefix.strip("/")
    if trimmed:
        try:
            check_key(trimmed)
        except InputError as error:
            raise ConfigError(
                f"connector {name!r}: `prefix:` {error.message}", hint=error.hint
            ) from error
    return trimmed
