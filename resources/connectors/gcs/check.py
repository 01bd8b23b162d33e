"""What a test of a bucket asks of Google Cloud Storage alone: where its credentials are from, and which rights they have."""

from __future__ import annotations

import os
import ssl

from resources.connectors.files.buckets import SignedIn
from resources.connectors.gcs.client import BucketSession, Call
from resources.connectors.gcs.errors import GcsRefusal

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


def signed_in(session: BucketSession, url: str, signs_by: str) -> SignedIn:
    """Whose credentials they are and where they were found.

    Args:
        session: with them.
        url: of the service.
        signs_by: the field that gives them; empty: Google's default chain found them.
    """
    way = _WAYS[signs_by] if signs_by else _default_way()
    account = getattr(session.credentials, "service_account_email", "") or ""
    found = f"found: {way}" + (f", account {account}" if "@" in account else "")
    return SignedIn(found, url, _tls() if url.startswith("https") else None)


def ask_rights(session: BucketSession) -> str:
    """Which of the rights that Waybill can use the credentials have."""
    try:
        told = session.ask(Call("/iam/testPermissions", query={"permissions": [*_RIGHTS]})).json()
    except GcsRefusal as refusal:
        if refusal.status in (401, 403, 404, 501):  # emulators; accounts that may not ask
            return "the service does not tell"
        raise
    held = told.get("permissions", ())
    parts = [f"{word}: {'yes' if right in held else 'no'}" for right, word in _RIGHTS.items()]
    return ", ".join(parts)


def _default_way() -> str:
    variable = "GOOGLE_APPLICATION_CREDENTIALS"
    return f"the file of {variable}" if os.environ.get(variable) else "Google's default chain"


def _tls() -> ssl.SSLContext:
    import certifi

    given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return ssl.create_default_context(cafile=given or certifi.where())
