"""One try: a signed POST, and what is made of the answer.

Only a status of 2xx is success. What may pass is tried again: no connection, no answer in time, a certificate that does not hold, 408, 429, 5xx.
Everything else is final: a refusal (4xx), a redirect, which is never followed, an address that leads inside.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from orchestration.services.webhooks.secret import SigningKey, signed
from resources.kernel.errors import InputError, WaybillError
from resources.stores.catalog.access.records import now
from resources.stores.catalog.webhooks.records import (
    ClaimedDelivery,
    DeliveryState,
    Outcome,
    StoredWebhook,
)
from resources.web.client import WebClient, WebLimits, WebReply

SECONDS = 10.0
"""From the first connection to the last byte of the answer."""
ANSWER_BYTES = 2_000
ANSWER_CHARACTERS = 500
TRIES = 14
"""Some 24 hours, by the pauses below."""
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = timedelta(seconds=5), 3, timedelta(hours=4)
JITTER = 0.2
LONGEST_WISH = timedelta(hours=24)
"""Of a receiver that says when to come back."""
_MAY_PASS = (408, 429)
_HIDDEN = "[secret]"


@dataclass(frozen=True)
class SendResult:
    """What came back."""

    status: int | None
    """None: no answer."""
    answer: str
    """The beginning of the body, on one line, without the secret."""
    reason: str
    """Why it did not go well; empty: it did."""
    may_pass: bool
    """Whether another try may go well."""
    seconds: float
    retry_after: timedelta | None = None
    """When the receiver wants to be asked again."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return not self.reason


@dataclass(frozen=True)
class Sender:
    """Sends events, signed.

    Args:
        key: the server's.
        client: how the web is reached.
    """

    key: SigningKey
    client: WebClient = field(
        default_factory=lambda: WebClient(WebLimits(bytes=ANSWER_BYTES, seconds=SECONDS))
    )

    @classmethod
    def of_home(cls) -> Sender:
        """That of this server.

        Raises:
            ConfigError: the file of its key is not ours alone.
        """
        return cls(SigningKey.of_home())

    def send(self, webhook: StoredWebhook, message_id: str, body: str) -> SendResult:
        """One try to bring an event to a webhook."""
        began, secrets = time.monotonic(), []
        try:
            secrets = self.key.secrets(webhook)
            headers = signed(secrets, message_id, now(), body)
            reply = self.client.post(
                webhook.url, body.encode(), {"Content-Type": "application/json", **headers}
            )
        except WaybillError as error:
            may_pass = not isinstance(error, InputError)
            reason = _line(str(error), secrets)
            return SendResult(None, "", reason, may_pass, time.monotonic() - began)
        return _judged(reply, secrets, time.monotonic() - began)


def outcome_of(claim: ClaimedDelivery, attempt: SendResult, moment: datetime) -> Outcome:
    """What becomes of a delivery after a try."""
    state, next_try_at = _fate(claim.tries, attempt, moment)
    return Outcome(state, attempt.status, attempt.answer, attempt.reason, next_try_at)


def _fate(
    tries: int, attempt: SendResult, moment: datetime
) -> tuple[DeliveryState, datetime | None]:
    if attempt.is_delivered:
        return "delivered", None
    if not attempt.may_pass or tries >= TRIES:
        return "failed", None
    return "waiting", moment + max(pause_after(tries), attempt.retry_after or timedelta())


def pause_after(tries: int) -> timedelta:
    """How long nothing is sent after that many tries: longer each time, and never the same for many at once."""
    pause: timedelta = min(FIRST_PAUSE * GROWTH ** (tries - 1), LONGEST_PAUSE)
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - pauses are no secrets


def _judged(reply: WebReply, secrets: list[str], seconds: float) -> SendResult:
    answer = _line(reply.start.decode("utf-8", "replace"), secrets)
    if 200 <= reply.status < 300:
        return SendResult(reply.status, answer, "", may_pass=False, seconds=seconds)
    return SendResult(
        reply.status,
        answer,
        _refusal(reply.status),
        may_pass=reply.status in _MAY_PASS or reply.status >= 500,
        seconds=seconds,
        retry_after=_retry_after(reply.headers.get("retry-after", "")),
    )


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"status {status}: it sends on to another address, which is not followed"
    return f"status {status}"


def _retry_after(text: str) -> timedelta | None:
    """Seconds or a date, as HTTP has it; anything else is no wish."""
    wish: timedelta | None = None
    if text.isascii() and text.isdigit():
        wish = timedelta(seconds=min(int(text[:9]), LONGEST_WISH.total_seconds()))
    elif text:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wish = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    return None if wish is None else min(max(wish, timedelta()), LONGEST_WISH)


def _line(text: str, secrets: list[str]) -> str:
    """What a receiver or an error says, as it may be kept: one line, short, without a secret, whoever repeats it."""
    for secret in secrets:
        for form in (secret, secret.partition("_")[2]):
            text = text.replace(form, _HIDDEN)
    clean = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(clean.split())[:ANSWER_CHARACTERS]
