"""How boto3 is set up for a bucket: limits, retries, checksums, addresses.

Here: everything about the client that a connector uses. Not here: the requests made with it (`connector.py`, `short_way.py`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60
MAX_ATTEMPTS = 4
"""Tries of one request, with growing pauses, where a retry can help (boto3's `standard` mode)."""

CONNECTIONS = 48
"""Connections kept open: small objects come over one each, large ones over a few."""

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@dataclass(frozen=True)
class S3Settings:
    """How a bucket's service is reached and as whom."""

    endpoint_url: str | None = None
    """An S3-alike's address; AWS when None."""
    region: str | None = None
    """The bucket's region; the environment's when None."""
    profile: str | None = None
    """A profile of the AWS configuration files; the environment's when None."""


@dataclass(frozen=True)
class Access:
    """A client, and what it signs with."""

    client: Any
    credentials: Any
    """botocore's, which renew themselves where they can; None when there are none."""
    verify: str | bool
    """The file of trusted authorities; True for those that botocore brings along."""


def open_access(settings: S3Settings, keys: dict[str, str]) -> Access:
    """A client of S3 with sessions, credentials and limits of its own.

    Args:
        settings: where and as whom.
        keys: `aws_access_key_id`, `aws_secret_access_key`, also `aws_session_token`; or nothing for the standard chain.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    # AWS checks and sends checksums by default; S3-alikes often know none, or others.
    endpoint = settings.endpoint_url
    checksums = "when_required" if endpoint else "when_supported"
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
    core = botocore.session.Session(profile=settings.profile)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_parse_time)
    session = boto3.session.Session(botocore_session=core, **keys)
    region = settings.region or session.region_name or ("us-east-1" if endpoint else None)
    client = session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    verify = core.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True
    return Access(client, session.get_credentials(), verify)


def _parse_time(value: Any) -> datetime:
    """A time in an answer. Listings hold one an object; botocore's own parser would take most of the time of a listing."""
    if isinstance(value, str) and _ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    from botocore.utils import parse_timestamp

    parsed: datetime = parse_timestamp(value)
    return parsed
