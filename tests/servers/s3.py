"""S3 for tests: moto's server. What a good server never does is in `scripted_s3.py`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pytest

ACCESS_KEY = "AKIAWAYBILLTESTS0000"
SECRET_KEY = "canary-secret-5f1d0c3e-never-to-be-shown"


@dataclass(frozen=True)
class S3Server:
    """A running S3-alike on loopback."""

    url: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @cached_property
    def client(self) -> Any:
        """A plain boto3 client: what other programs use."""
        import boto3

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def new_bucket(self) -> str:
        """The name of a new empty bucket."""
        import uuid

        name = f"bucket-{uuid.uuid4().hex[:16]}"
        self.client.create_bucket(Bucket=name)
        return name


@cache
def share_descriptions() -> None:
    """Has all clients of this process share what botocore reads from its files.

    Each session reads its own otherwise: 50 ms and a megabyte of garbage for every client that a test opens.
    """
    import botocore.session

    botocore.session.create_loader = cache(botocore.session.create_loader)


@cache
def hasten_moto() -> None:
    """Has moto's server look for its modules on the disk once, not at each request, and log none: a seventh of their cost."""
    from moto import backends

    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """moto's S3 on a free port of loopback, one for the whole test process; make a bucket of your own in it."""
    from moto.server import ThreadedMotoServer

    share_descriptions()
    hasten_moto()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(url=f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> str:
    """The name of a new empty bucket on `s3_server`."""
    return s3_server.new_bucket()
