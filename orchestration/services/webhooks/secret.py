"""What events are signed with: a secret for each webhook, made from its salt and a key of this server.

The salt is in the catalog, the key in a file of the home folder: neither a copy of the database nor whoever reads it has
a secret. Its SHA-256 is kept beside the salt, so a server with another key notices it instead of signing what nobody believes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from standardwebhooks import Webhook as Signer

from orchestration.services.access.tokens import sha256_of
from orchestration.services.kept_secret import kept_secret
from resources.home import waybill_home
from resources.kernel.errors import ConfigError
from resources.stores.catalog.access.records import now
from resources.stores.catalog.webhooks.records import StoredWebhook

KEY_FILE = "webhook-key"
"""In the home folder; `waybill backup` keeps it. Without it each webhook needs another secret."""
PREFIX = "whsec_"
BOTH = timedelta(hours=24)
"""How long the former secret counts beside a new one: receivers have this time to learn it."""


@dataclass(frozen=True)
class SigningKey:
    """The key of this server."""

    key: str = field(repr=False)

    @classmethod
    def of_home(cls) -> SigningKey:
        """That of the home folder, made where there is none.

        Raises:
            ConfigError: its file is not ours alone.
        """
        return cls(kept_secret(waybill_home() / KEY_FILE))

    def secret(self, salt: str) -> str:
        """The secret of a salt, as receivers are given it."""
        made = hmac.digest(self.key.encode(), f"webhook {salt}".encode(), hashlib.sha256)
        return PREFIX + base64.b64encode(made).decode()

    def secrets(self, webhook: StoredWebhook) -> list[str]:
        """The secrets that count now, the newest first.

        Raises:
            ConfigError: the webhook was made with another key.
        """
        newest = self.secret(webhook.salt)
        if sha256_of(newest) != webhook.secret_sha256:
            raise ConfigError(
                f"the secret of webhook {webhook.alias!r} was made with another key than that in {KEY_FILE}",
                hint="Bring that file of the home folder back, or make another secret by `waybill webhook rotate`",
            )
        if webhook.former_salt is None or webhook.former_until is None:
            return [newest]
        return [
            newest,
            *([self.secret(webhook.former_salt)] if webhook.former_until > now() else []),
        ]


def new_salt() -> str:
    """A salt that no other webhook has."""
    return secrets.token_hex(16)


def signed(secrets_: list[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The headers of Standard Webhooks: an id, a time, and a signature by each secret."""
    signatures = (Signer(secret).sign(message_id, at, body) for secret in secrets_)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
