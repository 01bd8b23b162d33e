"""How boto3 is set up for a bucket: limits, retries, checksums, addresses.

Here: everything about the client that a connector uses. Not here: the requests made with it (`s3.py`).
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from resources.kernel.errors import ConfigError

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
MAX_ATTEMPTS = 4
"""Tries of one request, with growing pauses, where a retry can help (boto3's `standard` mode)."""

_CONNECTIONS = 10
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def new_client(endpoint_url: str | None, region: str | None, keys: dict[str, str]) -> Any:
    """A client of S3 with sessions, credentials and limits of its own.

    Args:
        endpoint_url: an S3-alike's address, None for AWS.
        region: the bucket's region; the environment's when None.
        keys: `aws_access_key_id` and `aws_secret_access_key`, or nothing for the standard chain.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    # AWS checks and sends checksums by default; S3-alikes often know none, or others.
    checksums = "when_required" if endpoint_url else "when_supported"
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        max_pool_connections=_CONNECTIONS,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        s3={"addressing_style": "path" if endpoint_url else "auto"},
    )
    core = botocore.session.get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_parse_time)
    session = boto3.session.Session(botocore_session=core)
    region = region or session.region_name or ("us-east-1" if endpoint_url else None)
    return session.client(
        "s3", endpoint_url=endpoint_url, region_name=region, config=config, **keys
    )


def check_endpoint(name: str, url: str | None) -> str | None:
    """`url` if it is an address and nothing else: it stands in errors, so it may hold no password."""
    if not url:
        return None
    parts = _split(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ConfigError(
            f"connector {name!r}: `endpoint_url:` is not a plain http or https address",
            hint="Give scheme, host and port, as in 'https://minio.example.com:9000'; keys have fields of their own",
        )
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    with contextlib.suppress(ValueError):  # half an address, or a port that is none
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    return None


def _parse_time(value: Any) -> datetime:
    """A time in an answer. Listings hold one an object; botocore's own parser would take most of the time of a listing."""
    if isinstance(value, str) and _ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    from botocore.utils import parse_timestamp

    parsed: datetime = parse_timestamp(value)
    return parsed
