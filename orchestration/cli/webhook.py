"""`waybill webhook`: programs that are told when something ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.errors import FAILED, fail, reported, warn
from orchestration.cli.output import print_facts, print_json, print_table, visible

if TYPE_CHECKING:
    from orchestration.services.webhooks.declared import NewSecret, Webhook

app = typer.Typer(
    no_args_is_help=True,
    help="Programs that are told when something ended: signed POST requests, by Standard Webhooks.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Alias = Annotated[str, typer.Argument(help="What people call it.")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        help="What is told: import.completed, import.failed, import.stopped or run.failed; again for more.",
    ),
]


@app.command()
def create(
    alias: Alias,
    url: Annotated[
        str, typer.Argument(help="Where events are sent: https, a public host, no query string.")
    ],
    *,
    event: Events = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook and print the secret that its events are signed with. All events by default."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.declared import EVENTS, create_webhook
    from orchestration.services.webhooks.secret import SigningKey

    with reported():
        made = create_webhook(
            open_access(),
            shell_actor(),
            SigningKey.of_home(),
            alias=alias,
            url=url,
            events=event or EVENTS,
        )
    _print_secret(made, as_json=as_json)


@app.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List webhooks, where they lead, what they are told, and how their deliveries are doing."""
    from orchestration.services.access.shell import open_access
    from orchestration.services.webhooks.declared import list_webhooks

    with reported():
        found = list_webhooks(open_access())
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.alias,
            one.url,
            " ".join(one.events),
            "paused" if one.is_paused else "on",
            one.waiting,
            one.failed,
            one.last_delivered_at or "never",
        )
        for one in found
    ]
    header = ("alias", "url", "events", "state", "waiting", "failed", "last delivered")
    print_table(header, rows, limit=80)


@app.command()
def show(alias: Alias, *, as_json: AsJson = False) -> None:
    """Show a webhook, without its secret."""
    from orchestration.services.access.shell import open_access
    from orchestration.services.webhooks.declared import show_webhook

    with reported():
        found = show_webhook(open_access(), alias)
    _print(found, as_json=as_json)


@app.command()
def edit(
    alias: Alias,
    *,
    url: Annotated[
        str | None, typer.Option(help="Where events are sent from now on.", show_default=False)
    ] = None,
    event: Events = None,
    as_json: AsJson = False,
) -> None:
    """Send events elsewhere, or other events. What waits goes to the new address; the secret stays."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.declared import change_webhook

    with reported():
        found = change_webhook(open_access(), shell_actor(), alias, url=url, events=event)
    _print(found, as_json=as_json)


@app.command()
def pause(alias: Alias, *, as_json: AsJson = False) -> None:
    """Send nothing for a while. What ends meanwhile waits."""
    _set_paused(alias, is_paused=True, as_json=as_json)


@app.command()
def resume(alias: Alias, *, as_json: AsJson = False) -> None:
    """Go on sending, with what has waited first."""
    _set_paused(alias, is_paused=False, as_json=as_json)


@app.command()
def rotate(alias: Alias, *, as_json: AsJson = False) -> None:
    """Make another secret and print it. For 24 hours events are signed with the former one as well."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.declared import rotate_secret
    from orchestration.services.webhooks.secret import SigningKey

    with reported():
        made = rotate_secret(open_access(), shell_actor(), SigningKey.of_home(), alias)
    _print_secret(made, as_json=as_json)


@app.command()
def remove(alias: Alias, *, as_json: AsJson = False) -> None:
    """Remove a webhook with its log. What waits is not sent."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.declared import remove_webhook

    with reported():
        remove_webhook(open_access(), shell_actor(), alias)
    if as_json:
        print_json({"removed": alias})
    else:
        typer.echo(f"{alias} is told nothing any more")


@app.command("test")
def send_test(alias: Alias, *, as_json: AsJson = False) -> None:
    """Send the event `webhook.test` now, once, and print what came back. Ends with 1 unless the status is 2xx."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.deliveries import try_webhook
    from orchestration.services.webhooks.sending import Sender

    with reported():
        found = try_webhook(open_access(), shell_actor(), Sender.of_home(), alias)
    if as_json:
        print_json(found)
        if not found.is_delivered:
            raise typer.Exit(FAILED)
        return
    if not found.is_delivered:
        fail(f"{found.reason}: {found.answer}" if found.answer else found.reason)
    typer.echo(f"status {found.status} after {found.seconds:.2f} s")
    if found.answer:
        typer.echo(visible(found.answer))


@app.command()
def deliveries(
    alias: Alias,
    *,
    state: Annotated[
        str, typer.Option(help="Only those that are held, waiting, delivered or failed.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was or will be sent to a webhook, the newest first: state, tries, the last answer, the next try."""
    from orchestration.services.access.shell import open_access
    from orchestration.services.webhooks.deliveries import list_deliveries

    with reported():
        found = list_deliveries(open_access(), alias, state=state, limit=limit)
    if as_json:
        print_json(found.items)
        return
    rows = [
        (one.noted_at, one.event, one.subject, one.state, one.attempts, one.status, one.reason or one.answer, one.next_try_at, one.id)
        for one in found.items
    ]  # fmt: skip
    header = ("when", "event", "of", "state", "tries", "status", "answer", "next try", "id")
    print_table(header, rows)


@app.command()
def resend(
    alias: Alias,
    delivery: Annotated[str, typer.Argument(help="Its id, as `webhook deliveries` has it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send an event once more, with all its tries and under the same id. The server does so, if it runs."""
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.deliveries import resend as send_again

    with reported():
        found = send_again(open_access(), shell_actor(), alias, delivery)
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found.id} is sent once more")


def _set_paused(alias: str, *, is_paused: bool, as_json: bool) -> None:
    from orchestration.services.access.shell import open_access, shell_actor
    from orchestration.services.webhooks.declared import set_paused

    with reported():
        found = set_paused(open_access(), shell_actor(), alias, is_paused=is_paused)
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{alias} is paused" if is_paused else f"{alias} is told again")


def _print(found: Webhook, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("alias", found.alias),
            ("url", found.url),
            ("events", found.events),
            ("state", "paused" if found.is_paused else "on"),
            ("made", found.made_at),
            ("by", found.made_by),
            ("waiting", found.waiting),
            ("failed", found.failed),
            ("delivered", found.delivered),
            ("last delivered", found.last_delivered_at),
        ]
    )


def _print_secret(made: NewSecret, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
    else:
        typer.echo(made.secret)
        warn("it is shown this once: give it to the receiver, and try it by `waybill webhook test`")
