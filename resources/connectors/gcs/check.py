"""What a test of a bucket tries, in order: credentials, name, port, TLS, listing, rights, reading (F036). It writes nothing."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

from resources.connectors.files.key_patterns import shown
from resources.connectors.gcs.client import Call, Session, object_target
from resources.connectors.gcs.errors import GcsRefusal
from resources.connectors.trial.reach import try_url
from resources.kernel.errors import WaybillError
from resources.kernel.records import CheckReport, CheckStep

if TYPE_CHECKING:
    from resources.connectors.gcs.connector import GcsConnector

_RIGHTS = {
    "storage.objects.list": "list",
    "storage.objects.get": "read",
    "storage.objects.create": "write",
    "storage.objects.delete": "replace",
}
_WAYS = {
    "credentials_json": "the JSON given",
    "credentials_file": "the file given",
    "anonymous": "none, as asked for: anonymous",
}


def check_bucket(connector: GcsConnector) -> CheckReport:
    """Steps and facts; the first step that fails is the last."""
    facts = {"bucket": connector.bucket, "endpoint": connector.endpoint}
    if connector.prefix:
        facts["prefix"] = connector.prefix
    steps: list[CheckStep] = []
    name = "credentials"
    try:
        session = connector.call("sign in to", "", lambda session: session)
        steps.append(CheckStep(name, True, _found_where(connector, session)))
        steps += try_url(connector.settings.base, tls=_tls(connector.settings.base))
        if not steps[-1].ok:
            detail = (
                f"connector {connector.name!r}: nothing answers at {connector.endpoint} as it should:"
                f" {steps[-1].detail}"
            )
            return CheckReport(ok=False, detail=detail, facts=facts, steps=tuple(steps))
        name = "list"
        first = connector.call("list", "", lambda session: _first_object(connector, session))
        facts["empty"] = "no" if first else "yes"
        steps.append(CheckStep(name, True, f"bucket {connector.bucket} can be listed"))
        name = "rights"
        facts["rights"] = connector.call("ask for rights on", "", _rights)
        steps.append(CheckStep(name, True, facts["rights"]))
        name = "read"
        steps.append(CheckStep(name, True, _read(connector, first)))
    except WaybillError as error:
        steps.append(CheckStep(name, False, str(error)))
        return CheckReport(ok=False, detail=str(error), facts=facts, steps=tuple(steps))
    detail = f"bucket {connector.bucket} at {connector.endpoint} can be listed"
    return CheckReport(ok=True, detail=detail, facts=facts, steps=tuple(steps))


def _found_where(connector: GcsConnector, session: Session) -> str:
    way = _WAYS[connector.signs_by[0]] if connector.signs_by else _default_way()
    account = getattr(session.credentials, "service_account_email", "") or ""
    return f"found: {way}" + (f", account {account}" if "@" in account else "")


def _default_way() -> str:
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    return f"the file of {variable}" if os.environ.get(variable) else "Google's default chain"


def _tls(url: str) -> ssl.SSLContext | None:
    if not url.startswith("https"):
        return None
    import certifi

    given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return ssl.create_default_context(cafile=given or certifi.where())


def _first_object(connector: GcsConnector, session: Session) -> dict[str, Any]:
    query: dict[str, str | int | list[str]] = {
        "prefix": connector.root,
        "maxResults": 1,
        "fields": "items(name,size)",
    }
    page = session.ask(Call("/o", query=query)).json()
    found: dict[str, Any] = next(iter(page.get("items", ())), {})
    return found


def _rights(session: Session) -> str:
    try:
        told = session.ask(Call("/iam/testPermissions", query={"permissions": [*_RIGHTS]})).json()
    except GcsRefusal as refusal:
        if refusal.status in (401, 403, 404, 501):  # emulators; accounts that may not ask
            return "the service does not tell"
        raise
    held = told.get("permissions", ())
    parts = [f"{word}: {'yes' if right in held else 'no'}" for right, word in _RIGHTS.items()]
    return ", ".join(parts)


def _read(connector: GcsConnector, first: dict[str, Any]) -> str:
    if not first:
        return "nothing is there that could be read"
    full = first["name"]
    headers = {"Range": "bytes=0-0"} if int(first["size"]) else {}
    call = Call(object_target(full), query={"alt": "media"}, headers=headers, stream=True)
    connector.call("read", full, lambda session: session.ask(call).close())
    return f"{shown(full)} can be read"
