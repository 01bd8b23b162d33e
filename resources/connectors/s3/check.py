"""What a test of a bucket asks of S3 alone: whether there are credentials, and where they are from."""

from __future__ import annotations

import ssl

from resources.connectors.files.buckets import SignedIn
from resources.connectors.s3.client import Access

_WAYS = {
    "explicit": "the keys given",
    "env": "variables of the process",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS configuration file",
    "iam-role": "the role of this machine",
    "container-role": "the role of this container",
    "assume-role": "a role assumed by the profile",
    "assume-role-with-web-identity": "a role assumed by a web identity",
    "sso": "a single sign-on session",
}


def signed_in(access: Access, *, has_keys: bool) -> SignedIn:
    """Where the credentials were found, and what they sign for.

    Raises:
        botocore.exceptions.BotoCoreError: there are none, or they cannot be renewed.
    """
    from botocore.exceptions import NoCredentialsError

    if access.credentials is None:
        raise NoCredentialsError
    access.credentials.get_frozen_credentials()  # renews them where that is needed, which may fail
    method = "explicit" if has_keys else str(access.credentials.method)
    found = f"found: {_WAYS.get(method, method)}"
    url = str(access.client.meta.endpoint_url)
    return SignedIn(
        found + (" and a session token" if access.credentials.token else ""),
        url,
        _tls(access) if url.startswith("https") else None,
        {"region": str(access.client.meta.region_name)},
    )


def _tls(access: Access) -> ssl.SSLContext:
    from botocore.httpsession import get_cert_path

    return ssl.create_default_context(cafile=get_cert_path(access.verify))
