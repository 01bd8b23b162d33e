"""Webhooks: programs that are told when something ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field

from orchestration.api.given import Cursor, GivenActor, GivenSite, Limit
from orchestration.api.router import GuardedRouter
from orchestration.services.paging import LIMIT, Page
from orchestration.services.webhooks.declared import (
    EventName,
    NewSecret,
    Webhook,
    change_webhook,
    create_webhook,
    list_webhooks,
    remove_webhook,
    rotate_secret,
    set_paused,
    show_webhook,
)
from orchestration.services.webhooks.deliveries import (
    Delivery,
    DeliveryState,
    Trial,
    list_deliveries,
    resend,
    try_webhook,
)
from orchestration.services.webhooks.secret import SigningKey
from orchestration.services.webhooks.sending import Sender

router = GuardedRouter()

Alias = Annotated[str, Path(description="What people call the webhook.", max_length=64)]
Url = Annotated[
    str, Field(max_length=16_384, description="https, a public host, no query string, no password.")
]
Events = Annotated[list[EventName], Field(max_length=20, description="What is told.")]


class NewWebhook(BaseModel):
    """A webhook to be made."""

    alias: str = Field(
        max_length=64,
        description="Letters, digits, spaces and . _ -; begins with a letter or digit.",
    )
    url: Url
    events: Events


class WebhookChange(BaseModel):
    """Where events go from now on, or which; what is left out stays."""

    url: Url | None = None
    events: Events | None = None


@router.get("/webhooks", operation_id="webhook.list")
def list_all(site: GivenSite) -> list[Webhook]:
    """List webhooks, without their secrets, and how their deliveries are doing."""
    return list_webhooks(site.catalog)


@router.post("/webhooks", operation_id="webhook.create", status_code=201)
def create(site: GivenSite, actor: GivenActor, given: NewWebhook) -> NewSecret:
    """Make a webhook. The secret that its events are signed with is in this answer and nowhere else."""
    return create_webhook(
        site.catalog,
        actor,
        SigningKey.of_home(),
        alias=given.alias,
        url=given.url,
        events=given.events,
    )


@router.get("/webhooks/{alias}", operation_id="webhook.show")
def show(site: GivenSite, alias: Alias) -> Webhook:
    """Show a webhook, without its secret."""
    return show_webhook(site.catalog, alias)


@router.patch("/webhooks/{alias}", operation_id="webhook.edit")
def edit(site: GivenSite, actor: GivenActor, alias: Alias, given: WebhookChange) -> Webhook:
    """Send events elsewhere, or other events. What waits goes to the new address; the secret stays."""
    return change_webhook(site.catalog, actor, alias, url=given.url, events=given.events)


@router.delete("/webhooks/{alias}", operation_id="webhook.remove", status_code=204)
def remove(site: GivenSite, actor: GivenActor, alias: Alias) -> None:
    """Remove a webhook with its log. What waits is not sent."""
    remove_webhook(site.catalog, actor, alias)


@router.post("/webhooks/{alias}/pause", operation_id="webhook.pause")
def pause(site: GivenSite, actor: GivenActor, alias: Alias) -> Webhook:
    """Send nothing for a while. What ends meanwhile waits."""
    return set_paused(site.catalog, actor, alias, is_paused=True)


@router.post("/webhooks/{alias}/resume", operation_id="webhook.resume")
def resume(site: GivenSite, actor: GivenActor, alias: Alias) -> Webhook:
    """Go on sending, with what has waited first."""
    return set_paused(site.catalog, actor, alias, is_paused=False)


@router.post("/webhooks/{alias}/rotate", operation_id="webhook.rotate")
def rotate(site: GivenSite, actor: GivenActor, alias: Alias) -> NewSecret:
    """Make another secret. It is in this answer and nowhere else; for 24 hours events are signed with the former one as well."""
    return rotate_secret(site.catalog, actor, SigningKey.of_home(), alias)


@router.post("/webhooks/{alias}/test", operation_id="webhook.test")
def test(site: GivenSite, actor: GivenActor, alias: Alias) -> Trial:
    """Send the event `webhook.test` now, once, and tell what came back. An answer takes 10 seconds at most."""
    return try_webhook(site.catalog, actor, Sender.of_home(), alias)


@router.get("/webhooks/{alias}/deliveries", operation_id="webhook.deliveries")
def deliveries(
    site: GivenSite,
    alias: Alias,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Page[Delivery]:
    """List what was or will be sent to a webhook, the newest first: state, tries, the last answer, the next try."""
    return list_deliveries(site.catalog, alias, state=state or "", limit=limit, cursor=cursor)


@router.post(
    "/webhooks/{alias}/deliveries/{delivery_id}/resend",
    operation_id="webhook.resend",
    status_code=202,
)
def send_again(
    site: GivenSite,
    actor: GivenActor,
    alias: Alias,
    delivery_id: Annotated[str, Path(description="`webhook-id` of the event.", max_length=64)],
) -> Delivery:
    """Send an event once more, with all its tries and under the same id: a receiver that has had it may leave it."""
    return resend(site.catalog, actor, alias, delivery_id)
