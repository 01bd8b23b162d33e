"""A bucket of Google Cloud Storage.

Here: the requests for listing, reading and replacing objects. Not here: keys below a prefix and the stages of a
test (`files/buckets.py`), credentials and sessions (`client.py`), bytes on their way (`transfer.py`), what refusals mean
(`errors.py`), what a test shows of credentials and rights (`check.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from resources.connectors.endpoints import check_endpoint
from resources.connectors.files.addresses import BucketAddresses
from resources.connectors.files.bucket_errors import Attempt
from resources.connectors.files.buckets import (
    BucketConnector,
    ListingPage,
    PageRequest,
    SignedIn,
)
from resources.connectors.files.key_patterns import check_key, shown
from resources.connectors.files.scratch_files import open_source
from resources.connectors.files.shared_session import SharedSession
from resources.connectors.gcs.check import ask_rights, signed_in
from resources.connectors.gcs.client import (
    BucketSession,
    Call,
    GcsSettings,
    find_credentials,
    object_target,
)
from resources.connectors.gcs.errors import GcsRefusal, is_expired, translate_gcs_error
from resources.connectors.gcs.transfer import (
    FIELDS,
    GcsUpload,
    download,
    read_beginning,
    read_range,
    upload,
)
from resources.kernel.errors import ConfigError, InputError, IntegrityError
from resources.kernel.records import ObjectInfo

PAGE_KEYS = 1000
"""Keys in one answer of a listing; the service sends no more."""

_PAGE_FIELDS = "items(name,size,generation,updated),prefixes,nextPageToken"
_T = TypeVar("_T")


class GcsConnector(BucketConnector):
    """The objects of `bucket` below `prefix`; keys are relative to the prefix.

    An etag is the object's generation: it changes with every write, not when metadata change. What is read is exactly
    the generation that was listed: every request names it.

    Args:
        name: the user's name for the connector.
        bucket: the bucket's name.
        prefix: the part of the bucket that belongs to this connector; all of it when empty.
        settings: address, project that pays, file of credentials.
        credentials_json: the text of credentials; never shown by repr, errors or logs.

    Raises:
        ConfigError: more than one kind of credentials, an address that is none or holds a password, a prefix with `..`.
    """

    kind: ClassVar[str] = "gcs"

    def __init__(
        self,
        name: str,
        bucket: str,
        prefix: str = "",
        *,
        settings: GcsSettings | None = None,
        credentials_json: str = "",
    ) -> None:
        super().__init__(name, bucket, prefix)
        self.settings = settings or GcsSettings()
        check_endpoint(name, self.settings.endpoint_url)
        given = {
            "credentials_json": bool(credentials_json),
            "credentials_file": bool(self.settings.credentials_file),
            "anonymous": self.settings.anonymous,
        }
        self.signs_by = [field for field, is_given in given.items() if is_given]
        if len(self.signs_by) > 1:
            raise ConfigError(
                f"connector {name!r}: {' and '.join(f'`{field}:`' for field in self.signs_by)} are given",
                hint="Give one of them, or none for Google's default credentials",
            )
        services = (
            [self.settings.endpoint_url]
            if self.settings.endpoint_url
            else ["https://storage.googleapis.com", "https://storage.cloud.google.com"]
        )
        homes = [f"gs://{bucket}/", *(f"{service}/{bucket}/" for service in services)]
        self.addresses = BucketAddresses(homes, self.prefix)
        self._sessions: SharedSession[BucketSession] = SharedSession(
            lambda: BucketSession(
                self.settings, bucket, find_credentials(name, self.settings, credentials_json)
            )
        )

    def __repr__(self) -> str:
        return (
            f"GcsConnector(name={self.name!r}, bucket={self.bucket!r}, prefix={self.prefix!r},"
            f" endpoint_url={self.settings.endpoint_url!r})"
        )

    @property
    def endpoint(self) -> str:
        """Where the bucket is, as the user knows it."""
        return self.settings.endpoint_url or "Google"

    def stat(self, key: str) -> ObjectInfo:
        """The object at `key`.

        Raises:
            NotFoundError: no such object, or no such bucket.
            InputError: a key that no object can have.
        """
        return _describe(self._told("look at", key), key)

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source`; the object appears whole when the last byte has arrived, or not at all (2d).

        It replaces the generation that is there when it begins, or none: what another writer puts there meanwhile stays.

        Raises:
            InputError: a key that no object may have.
            ConflictError: another writer replaced the object meanwhile.
        """
        full = self._writable(key)
        size = open_source(self.name, source)
        job = GcsUpload.of(full, source, size, self._generation(key))

        def send(session: BucketSession) -> dict[str, Any]:
            try:
                return upload(session, job)
            except GcsRefusal as refusal:
                told = self._told("look at", key) if refusal.status == 412 else {}
                if told.get("md5Hash") == job.md5 and told.get("generation") != job.over:
                    return told  # an attempt had arrived whole; only its answer was lost
                raise

        told = self.call("write", key, send)
        if int(told.get("size", -1)) != size or told.get("md5Hash", job.md5) != job.md5:
            raise IntegrityError(
                f"connector {self.name!r}: {shown(key)} differs from what was sent: the service has"
                f" {told.get('size')} of {size} bytes",
                hint="Try again; if it stays so, something between here and the service changes data",
                key=key,
            )
        return _describe(told, key)

    def call(self, attempt: str, key: str, ask: Callable[[BucketSession], _T]) -> _T:
        """What `ask` gets from the service; expired credentials are read anew once (E47); errors in our words."""
        from google.auth.exceptions import GoogleAuthError
        from requests import RequestException

        try:
            return self._sessions.use(ask, is_expired=is_expired)
        except (GcsRefusal, GoogleAuthError, RequestException) as error:
            where = Attempt(self.name, self.bucket, self.endpoint, attempt, key)
            raise translate_gcs_error(error, where) from error

    def _sign_in(self) -> SignedIn:
        signs_by = self.signs_by[0] if self.signs_by else ""
        return self.call(
            "sign in to", "", lambda session: signed_in(session, self.settings.base, signs_by)
        )

    def _rights(self) -> str:
        return self.call("ask for rights on", "", ask_rights)

    def _read_first_byte(self, found: ObjectInfo) -> None:
        headers = {"Range": "bytes=0-0"} if found.size_bytes else {}
        call = Call(object_target(found.key), query={"alt": "media"}, headers=headers, stream=True)
        self.call("read", found.key, lambda session: session.ask(call).close())

    def _page(self, request: PageRequest) -> ListingPage:
        asked: dict[str, str | int] = {
            "maxResults": min(request.limit or PAGE_KEYS, PAGE_KEYS),
            "prefix": request.prefix,
            "delimiter": "/" if request.by_folder else "",
            "startOffset": request.after,
            "pageToken": request.token,
            "fields": _PAGE_FIELDS,
        }
        call = Call("/o", query={name: value for name, value in asked.items() if value})
        page = self.call("list", "", lambda session: session.ask(call).json())
        return ListingPage(
            [
                _describe(found, found["name"])
                for found in page.get("items", ())
                if found["name"] > request.after  # the service begins with it
            ],
            page.get("prefixes", ()),
            page.get("nextPageToken", ""),
        )

    def _download(self, item: ObjectInfo, full: str, path: Path) -> None:
        self.call("read", item.key, lambda session: download(session, full, item, path))

    def _part(self, item: ObjectInfo, full: str, start: int, end: int) -> bytes:
        return self.call(
            "read", item.key, lambda session: read_range(session, full, item, start, end)
        )

    def _beginning(self, key: str, full: str) -> tuple[ObjectInfo, bytes] | None:
        return self.call("read", key, lambda session: read_beginning(session, key, full))

    def _told(self, attempt: str, key: str) -> dict[str, Any]:
        call = Call(object_target(self._readable(key)), query={"fields": FIELDS})
        told: dict[str, Any] = self.call(attempt, key, lambda session: session.ask(call).json())
        return told

    def _generation(self, key: str) -> str:
        """The generation that is there now; `0` for none, which is what a condition calls it."""
        call = Call(object_target(self._readable(key)), query={"fields": FIELDS})

        def look(session: BucketSession) -> str:
            try:
                return str(session.ask(call).json()["generation"])
            except GcsRefusal as refusal:
                if refusal.status == 404:
                    return "0"
                raise

        return self.call("write", key, look)

    def _writable(self, key: str) -> str:
        full = self._readable(check_key(key))
        if "\r" in key or "\n" in key:
            raise InputError(
                f"connector {self.name!r}: {shown(key)} cannot be a key:"
                " Google Cloud Storage has no names with line breaks",
                hint="Use another key",
                key=key[:200],
            )
        return full


def _describe(told: dict[str, Any], key: str) -> ObjectInfo:
    return ObjectInfo(
        key, int(told["size"]), str(told["generation"]), datetime.fromisoformat(told["updated"])
    )
