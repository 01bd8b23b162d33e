"""What a test of a bucket tries, in order: credentials, name, port, TLS, listing, reading (F036). It writes nothing."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from resources.connectors.files.key_patterns import shown
from resources.connectors.s3.client import Access
from resources.connectors.trial.reach import try_url
from resources.kernel.errors import WaybillError
from resources.kernel.records import CheckReport, CheckStep

if TYPE_CHECKING:
    from resources.connectors.s3.connector import S3Connector

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


def check_bucket(connector: S3Connector) -> CheckReport:
    """Steps and facts; the first step that fails is the last."""
    facts = {"bucket": connector.bucket, "endpoint": connector.endpoint}
    if connector.prefix:
        facts["prefix"] = connector.prefix
    steps: list[CheckStep] = []
    name = "credentials"
    try:
        access = connector.call("sign in to", "", _signed)
        steps.append(CheckStep(name, True, _found_where(connector, access)))
        facts["region"] = str(access.client.meta.region_name)
        url = str(access.client.meta.endpoint_url)
        steps += try_url(url, tls=_tls(access) if url.startswith("https") else None)
        if not steps[-1].ok:
            return _failed(
                f"connector {connector.name!r}: nothing answers at {connector.endpoint} as it should:"
                f" {steps[-1].detail}",
                facts,
                steps,
            )
        name = "list"
        first = connector.call("list", "", lambda access: _first_object(connector, access))
        facts["empty"] = "no" if first else "yes"
        steps.append(CheckStep(name, True, f"bucket {connector.bucket} can be listed"))
        name = "read"
        steps.append(CheckStep(name, True, _read(connector, first)))
    except WaybillError as error:
        steps.append(CheckStep(name, False, str(error)))
        return _failed(str(error), facts, steps)
    facts["write"] = "not tried: a test leaves the bucket as it is"
    detail = f"bucket {connector.bucket} at {connector.endpoint} can be listed"
    return CheckReport(ok=True, detail=detail, facts=facts, steps=tuple(steps))


def _failed(detail: str, facts: dict[str, str], steps: list[CheckStep]) -> CheckReport:
    return CheckReport(ok=False, detail=detail, facts=facts, steps=tuple(steps))


def _signed(access: Access) -> Access:
    from botocore.exceptions import NoCredentialsError

    if access.credentials is None:
        raise NoCredentialsError
    access.credentials.get_frozen_credentials()  # renews them where that is needed, which may fail
    return access


def _found_where(connector: S3Connector, access: Access) -> str:
    method = "explicit" if connector.has_keys else str(access.credentials.method)
    way = _WAYS.get(method, method)
    return f"found: {way}" + (" and a session token" if access.credentials.token else "")


def _tls(access: Access) -> ssl.SSLContext:
    from botocore.httpsession import get_cert_path

    return ssl.create_default_context(cafile=get_cert_path(access.verify))


def _first_object(connector: S3Connector, access: Access) -> dict[str, Any]:
    page = access.client.list_objects_v2(
        Bucket=connector.bucket, Prefix=connector.root, MaxKeys=1, **connector.payer
    )
    found: dict[str, Any] = next(iter(page.get("Contents", ())), {})
    return found


def _read(connector: S3Connector, first: dict[str, Any]) -> str:
    if not first:
        return "nothing is there that could be read"
    full = first["Key"]
    part = {"Range": "bytes=0-0"} if first["Size"] else {}
    connector.call(
        "read",
        full,
        lambda access: access.client.get_object(**connector.about(full), **part)["Body"].close(),
    )
    return f"{shown(full)} can be read"
