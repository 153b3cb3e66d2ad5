"""Commands for whoever runs the server: `flask chat ...`.

What they do stands in the files that they call; here is only what is said on the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask.cli import AppGroup, FlaskGroup

from chat import passwords
from chat.errors import ChatError
from chat.names import checked_user_id
from chat.storage import migrate, storage

chat_cli = AppGroup("chat", help="Run the chat server's own commands.")


def is_looked_for() -> bool:
    """Whether `flask` loads the application to find one of its commands, and not to serve it."""
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


def _password(command: Callable[..., None]) -> Any:
    """Give a command the argument `password`: typed twice, or a line of standard input for scripts."""

    option: Any = click.option(
        "--password-stdin", is_flag=True, help="Read it from standard input."
    )

    @wraps(command)
    def ask(*args: Any, password_stdin: bool, **options: Any) -> None:
        if password_stdin:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        command(*args, password=password, **options)

    return option(ask)


@chat_cli.command("init-db")
def init_db() -> None:
    """Bring the database of CHAT_DATABASE_URL to the newest tables; nothing is lost by repeating it."""
    engine = storage.store.engine
    try:
        before, after = migrate.upgrade(engine)
    except ChatError as error:
        raise click.ClickException(error.message) from None
    shown = engine.url.render_as_string(hide_password=True)
    if before == after:
        click.echo(f"{shown} is up to date (revision {after}).")
    else:
        click.echo(f"{shown} is now at revision {after} (was: {before or 'empty'}).")


@chat_cli.command("add-user")
@click.argument("name")
@_password
def add_user(name: str, password: str) -> None:
    """Give a free name a password."""
    name = _checked_name(name)
    if storage.accounts.give_password(name, _checked(password)) is None:
        raise click.ClickException(f"{name} has a password already, or is disabled.")
    click.echo(f"{name} can sign in now.")


@chat_cli.command("set-password")
@click.argument("name")
@_password
def set_password(name: str, password: str) -> None:
    """Give somebody a new password, and end all their sessions."""
    name = _checked_name(name)
    if storage.accounts.change_password(name, None, _checked(password)) is None:
        raise click.ClickException(f"There is no user {name}.")
    click.echo(f"{name} has a new password; all sessions have ended.")


@chat_cli.command("disable-user")
@click.argument("name")
def disable_user(name: str) -> None:
    """Shut somebody out: their sockets close within 2 seconds, and the name cannot be used."""
    name = storage.accounts.disable(_checked_name(name)).name
    click.echo(f"{name} is shut out.")


@chat_cli.command("enable-user")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let somebody in again who was shut out."""
    name = storage.accounts.disable(_checked_name(name), False).name
    click.echo(f"{name} may come in again.")


def _checked_name(name: str) -> str:
    try:
        return checked_user_id(name, "NAME")
    except ChatError as error:
        raise click.ClickException(error.message) from None


def _checked(password: str) -> str:
    try:
        passwords.check_password(password, "The password")
    except ChatError as error:
        raise click.ClickException(error.message) from None
    return passwords.hashed(password)
