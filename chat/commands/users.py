"""Owns the commands for people: their passwords, and who is shut out."""

import json
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import click

from chat.commands.group import chat_cli, this_chat
from chat.people import passwords
from chat.site import privacy


def _with_password(command: Callable[..., None], is_known: bool = False) -> Any:
    """Give a command a name and a password's hash. The password is typed twice, or a line of standard input.

    `is_known`: a name of which nothing is stored is refused before anybody types.
    """

    @click.argument("name")
    @click.option("--password-stdin", is_flag=True, help="Read it from standard input.")
    @wraps(command)
    def ask(name: str, password_stdin: bool) -> None:
        name = this_chat().names.checked(name, "NAME")
        if is_known and this_chat().storage.accounts.find(name)[0] is None:
            raise click.ClickException(f"There is no user {name}.")
        if password_stdin:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        passwords.check_password(password, "The password", name)
        command(name, passwords.hashed(password))

    return ask


@chat_cli.command("add-user")
@_with_password
def add_user(name: str, password_hash: str) -> None:
    """Give a free name a password."""
    if this_chat().storage.accounts.give_password(name, password_hash, of_host=True) is None:
        raise click.ClickException(f"{name} has a password already, or is disabled.")
    click.echo(f"{name} can sign in now.")


@chat_cli.command("set-password")
@partial(_with_password, is_known=True)
def set_password(name: str, password_hash: str) -> None:
    """Give somebody a new password, and end all their sessions."""
    if this_chat().storage.accounts.change_password(name, None, password_hash) is None:
        raise click.ClickException(f"There is no user {name}.")
    click.echo(f"{name} has a new password; all sessions have ended.")


@chat_cli.command("disable-user")
@click.argument("name")
@click.option("--unknown", is_flag=True, help="Also a name of which nothing is stored yet.")
def disable_user(name: str, unknown: bool) -> None:
    """Shut somebody out: their sockets close within 2 seconds, and the name cannot be used."""
    accounts, name = this_chat().storage.accounts, this_chat().names.checked(name, "NAME")
    if not unknown and accounts.find(name)[0] is None:
        raise click.ClickException(f"Nothing is stored of a user {name}. To shut the name out all the same: --unknown.")
    name = accounts.disable(name).name
    click.echo(f"{name} is shut out.")


@chat_cli.command("enable-user")
@click.argument("name")
def enable_user(name: str) -> None:
    """Let somebody in again who was shut out."""
    accounts, name = this_chat().storage.accounts, this_chat().names.checked(name, "NAME")
    if accounts.find(name)[0] is None:
        raise click.ClickException(f"There is no user {name}.")
    name = accounts.disable(name, False).name
    click.echo(f"{name} may come in again.")


@chat_cli.command("export-user")
@click.argument("name")
def export_user(name: str) -> None:
    """Write all that is kept of somebody, one JSON object a line."""
    is_empty = True
    for one in privacy.export(this_chat(), name):
        click.echo(json.dumps(one, ensure_ascii=False))
        is_empty = False
    if is_empty:
        raise click.ClickException(f"Nothing is stored of a user {name}.")


@chat_cli.command("erase-user")
@click.argument("name")
@click.confirmation_option(prompt="Nobody can take this back. Go on?")
def erase_user(name: str) -> None:
    """Erase what is kept of somebody, and shut the name out. What they were written stays with those who wrote it."""
    if next(privacy.export(this_chat(), name), None) is None:
        raise click.ClickException(f"Nothing is stored of a user {name}.")
    erased = privacy.erase(this_chat(), name)
    click.echo(f"{name} is erased: {erased.messages:,} messages, {erased.notifications:,} notifications.")
