"""A bucket of S3, or of one of the many systems that speak its protocol.

Here: the requests for listing, reading and replacing objects. Not here: keys below a prefix and the stages of a
test (`files/buckets.py`), what an object holds (`resources/formats`), what the service's errors mean (`errors.py`), how
bytes come down (`short_way.py`, `download.py`), how boto3 is set up (`client.py`), what a test shows of credentials
(`check.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from resources.connectors.endpoints import check_endpoint
from resources.connectors.files.addresses import BucketAddresses
from resources.connectors.files.bucket_errors import Attempt
from resources.connectors.files.buckets import (
    SMALL_BYTES,
    BucketConnector,
    ListingPage,
    PageRequest,
    SignedIn,
)
from resources.connectors.files.key_patterns import check_key
from resources.connectors.files.scratch_files import open_source
from resources.connectors.files.shared_session import SharedSession
from resources.connectors.files.written import check_written
from resources.connectors.s3.check import signed_in
from resources.connectors.s3.client import Access, S3Settings, open_access
from resources.connectors.s3.download import download, read_range
from resources.connectors.s3.errors import is_expired, translate_s3_error
from resources.connectors.s3.short_way import ShortWay
from resources.kernel.errors import ConfigError
from resources.kernel.records import ObjectInfo

PAGE_KEYS = 1000
"""Keys in one answer of a listing; S3 sends no more."""

_MULTIPART_BYTES = 16 << 20
_UPLOAD_THREADS = 4
_T = TypeVar("_T")


@dataclass(frozen=True, repr=False)
class S3Keys:
    """Credentials of their own; all empty: the standard chain (variables, profile, role) finds them."""

    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""


class _Link(NamedTuple):
    access: Access
    short_way: ShortWay


class S3Connector(BucketConnector):
    """The objects of `bucket` below `prefix`; keys are relative to the prefix.

    An etag is the service's own. What is read is exactly the object that was listed: every request names its etag.

    Args:
        name: the user's name for the connector.
        bucket: the bucket's name.
        prefix: the part of the bucket that belongs to this connector; all of it when empty.
        settings: address, region and profile.
        keys: never shown by repr, errors or logs.
        requester_pays: who asks agrees to pay for what the bucket sends.

    Raises:
        ConfigError: half of a pair of keys, keys beside a profile, an address that is none or holds a password, a
            prefix with `..`.
    """

    kind: ClassVar[str] = "s3"

    def __init__(
        self,
        name: str,
        bucket: str,
        prefix: str = "",
        *,
        settings: S3Settings | None = None,
        keys: S3Keys | None = None,
        requester_pays: bool = False,
    ) -> None:
        super().__init__(name, bucket, prefix)
        self.settings = settings or S3Settings()
        check_endpoint(name, self.settings.endpoint_url)
        given = keys or S3Keys()
        _check_keys(name, given, self.settings)
        self.has_keys = bool(given.access_key)
        self.addresses = BucketAddresses(_homes(bucket, self.settings), self.prefix)
        self.payer = {"RequestPayer": "requester"} if requester_pays else {}
        self._links: SharedSession[_Link] = SharedSession(lambda: self._open(given))

    def __repr__(self) -> str:
        return (
            f"S3Connector(name={self.name!r}, bucket={self.bucket!r}, prefix={self.prefix!r},"
            f" endpoint_url={self.settings.endpoint_url!r}, region={self.settings.region!r})"
        )

    @property
    def endpoint(self) -> str:
        """Where the bucket is, as the user knows it."""
        return self.settings.endpoint_url or "AWS"

    def stat(self, key: str) -> ObjectInfo:
        """The object at `key`.

        Raises:
            NotFoundError: no such object, or no such bucket.
            InputError: a key that no object can have.
        """
        answer = self._head(key, self._readable(key))
        return ObjectInfo(
            key, answer["ContentLength"], answer["ETag"].strip('"'), answer["LastModified"]
        )

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source`; the object appears whole when the last byte has arrived, or not at all (2d).

        Parts of an upload that fails are removed; those of a process that was killed stay invisible until the
        bucket's lifecycle rule (`AbortIncompleteMultipartUpload`) removes them.

        Raises:
            InputError: a key that no object may have.
            ConflictError: another writer replaced the object at the same moment.
        """
        full = self._readable(check_key(key))
        size = open_source(self.name, source)
        self.call(
            "write",
            key,
            lambda access: _upload(access.client, source, self.about(full)),
        )
        stored = self.stat(key)
        check_written(self.name, stored, size)
        return stored

    def call(self, attempt: str, key: str, ask: Callable[[Access], _T]) -> _T:
        """What `ask` gets from the service; expired credentials are read anew once (E47); errors in our words."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._links.use(
                lambda link: ask(link.access), is_expired=lambda e: is_expired(_innermost(e))
            )
        except (BotoCoreError, ClientError, Boto3Error) as error:
            where = Attempt(self.name, self.bucket, self.endpoint, attempt, key)
            raise translate_s3_error(_innermost(error), where) from error

    def _sign_in(self) -> SignedIn:
        return self.call("sign in to", "", lambda access: signed_in(access, has_keys=self.has_keys))

    def _read_first_byte(self, found: ObjectInfo) -> None:
        part = {"Range": "bytes=0-0"} if found.size_bytes else {}

        def read(access: Access) -> None:
            access.client.get_object(**self.about(found.key), **part)["Body"].close()

        self.call("read", found.key, read)

    def _page(self, request: PageRequest) -> ListingPage:
        asked = {
            "MaxKeys": min(request.limit or PAGE_KEYS, PAGE_KEYS),
            "Prefix": request.prefix,
            "Delimiter": "/" if request.by_folder else "",
            "StartAfter": request.after,
            "ContinuationToken": request.token,
        }
        given = {name: value for name, value in asked.items() if value}

        def ask(access: Access) -> ListingPage:
            page = self._links.current().short_way.page(request, PAGE_KEYS)
            if page is not None:
                return page
            told = access.client.list_objects_v2(Bucket=self.bucket, **self.payer, **given)
            return _page_of(told)

        return self.call("list", "", ask)

    def _download(self, item: ObjectInfo, full: str, path: Path) -> None:
        def fetch(access: Access) -> None:
            body = None
            if item.size_bytes <= SMALL_BYTES:
                body = self._links.current().short_way.read(full, item)
            if body is None:
                download(access.client, self.about(full), item, path)
            else:
                path.write_bytes(body)

        self.call("read", item.key, fetch)

    def _part(self, item: ObjectInfo, full: str, start: int, end: int) -> bytes:
        def fetch(access: Access) -> bytes:
            part = self._links.current().short_way.read_range(full, item, start, end)
            if part is not None:
                return part
            return read_range(access.client, self.about(full), item, start, end)

        return self.call("read", item.key, fetch)

    def _beginning(self, key: str, full: str) -> tuple[ObjectInfo, bytes] | None:
        return self.call(
            "read", key, lambda _: self._links.current().short_way.beginning(key, full)
        )

    def about(self, full: str) -> dict[str, Any]:
        """What every request about one object says; `full` is its key in the bucket."""
        return {"Bucket": self.bucket, "Key": full, **self.payer}

    def _head(self, key: str, full: str) -> dict[str, Any]:
        def ask(access: Access) -> dict[str, Any]:
            from botocore.exceptions import ClientError

            try:
                answer: dict[str, Any] = access.client.head_object(**self.about(full))
            except ClientError:
                # HEAD has no body, so no reason: a GET of the first byte is refused in words.
                access.client.get_object(**self.about(full), Range="bytes=0-0")["Body"].close()
                raise
            return answer

        return self.call("look at", key, ask)

    def _open(self, keys: S3Keys) -> _Link:
        access = open_access(self.settings, _as_boto(keys))
        headers = {"x-amz-request-payer": "requester"} if self.payer else {}
        return _Link(access, ShortWay(access, self.bucket, headers))


def _homes(bucket: str, settings: S3Settings) -> list[str]:
    """`s3://bucket/`, and the addresses of the service itself by which objects are known as well."""
    own = f"s3://{bucket}/"
    if settings.endpoint_url:
        return [own, f"{settings.endpoint_url}/{bucket}/"]
    services = ["s3.amazonaws.com"]
    services += [f"s3.{settings.region}.amazonaws.com"] if settings.region else []
    by_path = [f"https://{service}/{bucket}/" for service in services]
    return [own, *by_path, *(f"https://{bucket}.{service}/" for service in services)]


def _page_of(page: dict[str, Any]) -> ListingPage:
    return ListingPage(
        [_describe(found) for found in page.get("Contents", ())],
        [found["Prefix"] for found in page.get("CommonPrefixes", ())],
        page["NextContinuationToken"] if page.get("IsTruncated") else "",
    )


def _describe(found: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(found["Key"], found["Size"], found["ETag"].strip('"'), found["LastModified"])


def _check_keys(name: str, keys: S3Keys, settings: S3Settings) -> None:
    if bool(keys.access_key) != bool(keys.secret_key):
        missing = "secret_key" if keys.access_key else "access_key"
        raise ConfigError(
            f"connector {name!r}: `{missing}:` is missing or empty",
            hint="Give both keys, or none to use the credentials of the process",
        )
    if keys.session_token and not keys.access_key:
        raise ConfigError(
            f"connector {name!r}: `session_token:` stands alone",
            hint="Temporary credentials are three: give `access_key:` and `secret_key:` as well",
        )
    if keys.access_key and settings.profile:
        raise ConfigError(
            f"connector {name!r}: both keys and `profile:` are given", hint="Give one of them"
        )


def _as_boto(keys: S3Keys) -> dict[str, str]:
    if not keys.access_key:
        return {}
    token = {"aws_session_token": keys.session_token} if keys.session_token else {}
    return {
        "aws_access_key_id": keys.access_key,
        "aws_secret_access_key": keys.secret_key,
        **token,
    }


def _upload(client: Any, source: Path, about: dict[str, Any]) -> None:
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(
        multipart_threshold=_MULTIPART_BYTES,
        multipart_chunksize=_MULTIPART_BYTES,
        max_concurrency=_UPLOAD_THREADS,
    )
    bucket, key = about["Bucket"], about["Key"]
    extra = {name: value for name, value in about.items() if name not in ("Bucket", "Key")}
    client.upload_file(str(source), bucket, key, Config=config, ExtraArgs=extra or None)


def _innermost(error: Exception) -> Exception:
    """The service's answer inside the text that boto3's transfers make of it."""
    inner = error.__cause__ or error.__context__
    is_wrapped = type(error).__name__ in ("S3UploadFailedError", "RetriesExceededError")
    return inner if is_wrapped and isinstance(inner, Exception) else error
