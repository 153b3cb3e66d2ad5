"""Owns the commands for programs: their tokens, and a notification from a script."""

import time
from typing import Any, TextIO

import click

from chat.commands.group import chat_cli, this_chat
from chat.notifications.draft import MOST_USERS
from chat.notifications.remote import Service
from chat.people.tokens import SCOPES, SERVICE_CHARS
from chat.protocol.structs import iso

PROGRESS_SECONDS = 0.2  # between two looks at a batch


@chat_cli.command("token")
@click.option("--service", required=True, metavar="NAME", help="What the server's log calls it: at most 64 characters.")
@click.option(
    "--scope",
    default="notify",
    show_default=True,
    help='What it may do: notify, metrics, users, or several: "notify users".',
)
@click.option(
    "--days", type=click.IntRange(1, 36_500), default=365, show_default=True, help="How long the token is valid."
)
def token(service: str, scope: str, days: int) -> None:
    """Print a token for a program, which sends it as Authorization: Bearer."""
    if not 1 <= len(service) <= SERVICE_CHARS:
        raise click.BadParameter(f"expected 1 to {SERVICE_CHARS} characters", param_hint="'--service'")
    if not scope.split() or set(scope.split()) - set(SCOPES):
        raise click.BadParameter(f"expected {', '.join(SCOPES)}, or several of them", param_hint="'--scope'")
    click.echo(this_chat().services.new_token(service, scope, days * 24 * 3600))


@chat_cli.command("tokens")
@click.option("--revoke", metavar="ID", help="Take this one back: within a second it counts no more.")
def tokens(revoke: str | None) -> None:
    """List the tokens that programs have, or take one back."""
    records = this_chat().storage.service_tokens
    if revoke is not None:
        if not records.revoke(revoke):
            raise click.ClickException(f"There is no valid token with the id {revoke}.")
        click.echo(f"The token {revoke} counts no more.")
        return
    for one in records.all():
        state = f"until {iso(one.expires_at)}" if one.revoked_at is None else f"revoked {iso(one.revoked_at)}"
        click.echo(f"{one.id}  {one.service}  {one.scope}  since {iso(one.created_at)}  {state}")


@chat_cli.command("notify")
@click.argument("words", nargs=-1, metavar="[NAME] MESSAGE")
@click.option("--title", help="A line above the message.")
@click.option("--link", help="http, https, or a path on the site.")
@click.option("--level", type=click.Choice(["info", "success", "warning", "error"]), default="info")
@click.option("--expires-in", type=int, metavar="SECONDS", help="Until it is shown no more.")
@click.option("--everyone", is_flag=True, help="Instead of NAME: to all; with --from, to all in it.")
@click.option("--from", "file", type=click.File(encoding="utf-8-sig"), help="Names, one a line; - is stdin.")
@click.option(
    "--key", help="Said again with the same key and words, it is sent once, as often as it is tried in 24 hours."
)
def notify(words: tuple[str, ...], everyone: bool, file: TextIO | None, key: str | None, **said: Any) -> None:
    """Notify somebody, or many, by the server that runs at CHAT_URL.

    Exits with 0 when it is stored (by many: sent), 1 when the server refuses, 2 for a mistake on the
    command line, 3 when no server answers.
    """
    to_many = everyone or file is not None
    if len(words) != (1 if to_many else 2):
        wanted = "MESSAGE alone" if to_many else "NAME and MESSAGE, --everyone, or --from"
        raise click.UsageError(f"Give {wanted}.")
    said |= {"message": words[-1], "expiresIn": said.pop("expires_in")}
    body = {name: value for name, value in said.items() if value is not None}
    try:
        names = [name for line in file or () if (name := line.strip())]
    except UnicodeDecodeError:
        raise click.ClickException("The names are not UTF-8.") from None
    chat = this_chat()
    service = Service(chat.settings.url, chat.tokens, "cli")
    if not to_many:
        sockets = service.push(key, toUserId=words[0], **body)["sockets"]
        reached = f"sockets reached: {sockets}" if sockets else "offline, so it waits"
        click.echo(f"{words[0]}: {reached}.")
    elif file is None:
        _push_batch(service, key, everyone=True, **body)
    else:
        for start in range(0, len(names), MOST_USERS):
            its_key = None if key is None else f"{key}-{start}"
            _push_batch(service, its_key, toUserIds=names[start : start + MOST_USERS], **body)


def _push_batch(service: Service, key: str | None, **body: Any) -> None:
    """Push it and wait until it is sent to all, with a bar that grows."""
    batch_id = service.push(key, **body)["batchId"]
    batch = service.progress(batch_id)
    with click.progressbar(length=batch["total"], label="Sending") as bar:
        while True:
            bar.update(batch["sent"] - bar.pos)
            if batch["finished"]:
                break
            time.sleep(PROGRESS_SECONDS)
            batch = service.progress(batch_id)
    click.echo(f"{batch['total']} users: sockets reached: {batch['sockets']}.")
