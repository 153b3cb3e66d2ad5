"""Owns the commands for whoever runs the server, `flask chat ...`. Leaves their work to the parts that they call."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from chat.errors import ChatError
from chat.notifications.draft import MOST_USERS
from chat.notifications.remote import NotReached, Service
from chat.people import passwords
from chat.people.tokens import SCOPES, SERVICE_CHARS
from chat.protocol.names import checked_user_id
from chat.protocol.structs import iso
from chat.risks import risks
from chat.server import ChatServer
from chat.storage import backup, migrate
from chat.storage.epoch import Epoch

PROGRESS_SECONDS = 0.2  # between two looks at a batch


class _Commands(AppGroup):
    """Says an error of ours as click does, in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NotReached as error:
            raise _Unreachable(error.message) from None
        except ChatError as error:
            raise click.ClickException(error.message) from None


class _Unreachable(click.ClickException):
    exit_code = 3


chat_cli = _Commands("chat", help="Run the chat server's own commands.")


def is_running() -> bool:
    """Return whether one of these commands runs: not every one needs tables that are up to date."""
    context = click.get_current_context(silent=True)
    while context is not None and context.command is not chat_cli:
        context = context.parent
    return context is not None


def _chat() -> ChatServer:
    chat: ChatServer = current_app.extensions["chat"]
    return chat


def _with_password(command: Callable[..., None]) -> Any:
    """Give a command a name and a password's hash. The password is typed twice, or a line of standard input."""

    @click.argument("name")
    @click.option("--password-stdin", is_flag=True, help="Read it from standard input.")
    @wraps(command)
    def ask(name: str, password_stdin: bool) -> None:
        name = checked_user_id(name, "NAME")
        if password_stdin:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        passwords.check_password(password, "The password", name)
        command(name, passwords.hashed(password))

    return ask


@chat_cli.command("init-db")
def init_db() -> None:
    """Bring the database of CHAT_DATABASE_URL to the newest tables; nothing is lost by repeating it."""
    engine = _chat().storage.database.engine
    before, after = migrate.upgrade(engine)
    shown = engine.url.render_as_string(hide_password=True)
    if before == after:
        click.echo(f"{shown} is up to date (revision {after}).")
    else:
        click.echo(f"{shown} is now at revision {after} (was: {before or 'empty'}).")


@chat_cli.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make_backup(file: Path) -> None:
    """Copy the SQLite database to FILE, while a server runs or not."""
    backup.back_up(_chat().storage.database, file)
    click.echo(f"{file} is a whole copy of the database.")


@chat_cli.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def put_back(file: Path) -> None:
    """Put a copy that `backup` made in the SQLite database's place. Stop the server first."""
    with _served_by_nobody() as chat:
        backup.restore(chat.storage.database, file, chat.log)
    click.echo(f"The database is what {file} holds, in a new epoch: clients fetch anew what they hold.")


@chat_cli.command("new-epoch")
def new_epoch() -> None:
    """Have clients fetch anew what they hold: after a copy was put back by hand. Stop the server first."""
    with _served_by_nobody() as chat:
        Epoch(chat.storage.database).renew()
    click.echo("The database has a new epoch: clients fetch anew what they hold.")


@contextmanager
def _served_by_nobody() -> Iterator[ChatServer]:
    """Hold the right to serve the database. Raises DatabaseInUse: a server runs."""
    chat = _chat()
    chat.lease.acquire()
    try:
        yield chat
    finally:
        chat.lease.release()


@chat_cli.command("add-user")
@_with_password
def add_user(name: str, password_hash: str) -> None:
    """Give a free name a password."""
    if _chat().storage.accounts.give_password(name, password_hash, of_host=True) is None:
        raise click.ClickException(f"{name} has a password already, or is disabled.")
    click.echo(f"{name} can sign in now.")


@chat_cli.command("set-password")
@_with_password
def set_password(name: str, password_hash: str) -> None:
    """Give somebody a new password, and end all their sessions."""
    if _chat().storage.accounts.change_password(name, None, password_hash) is None:
        raise click.ClickException(f"There is no user {name}.")
    click.echo(f"{name} has a new password; all sessions have ended.")


@chat_cli.command("disable-user")
@click.argument("name")
@click.option("--unknown", is_flag=True, help="Also a name of which nothing is stored yet.")
def disable_user(name: str, unknown: bool) -> None:
    """Shut somebody out: their sockets close within 2 seconds, and the name cannot be used."""
    accounts, name = _chat().storage.accounts, checked_user_id(name, "NAME")
    if not unknown and accounts.find(name)[0] is None:
        raise click.ClickException(f"Nothing is stored of a user {name}. To shut the name out all the same: --unknown.")
    name = accounts.disable(name).name
    click.echo(f"{name} is shut out.")


@chat_cli.command("enable-user")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let somebody in again who was shut out."""
    accounts, name = _chat().storage.accounts, checked_user_id(name, "NAME")
    if accounts.find(name)[0] is None:
        raise click.ClickException(f"There is no user {name}.")
    name = accounts.disable(name, False).name
    click.echo(f"{name} may come in again.")


@chat_cli.command("token")
@click.option("--service", required=True, metavar="NAME", help="What the server's log calls it: at most 64 characters.")
@click.option(
    "--scope", default="notify", show_default=True, help='What it may do: notify, metrics, or "notify metrics".'
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
    click.echo(_chat().services.new_token(service, scope, days * 24 * 3600))


@chat_cli.command("tokens")
@click.option("--revoke", metavar="ID", help="Take this one back: within a second it counts no more.")
def tokens(revoke: str | None) -> None:
    """List the tokens that programs have, or take one back."""
    records = _chat().storage.service_tokens
    if revoke is not None:
        if not records.revoke(revoke):
            raise click.ClickException(f"There is no token {revoke} that counts.")
        click.echo(f"The token {revoke} counts no more.")
        return
    for one in records.all():
        state = f"until {iso(one.expires_at)}" if one.revoked_at is None else f"revoked {iso(one.revoked_at)}"
        click.echo(f"{one.id}  {one.service}  {one.scope}  since {iso(one.created_at)}  {state}")


@chat_cli.command("doctor")
def doctor() -> None:
    """Say what is risky in the settings, and why the database cannot be used; exit with 1 if something is."""
    chat = _chat()
    found = risks(chat.settings)
    chat.storage.database.can_write()
    if (fault := chat.storage.health.fault()) is not None:
        found.insert(0, f"{fault.code}: {fault.message}")
    for risk in found:
        click.echo(f"- {risk}")
    if found:
        raise SystemExit(1)
    click.echo("Nothing risky is set.")


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
    chat = _chat()
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
