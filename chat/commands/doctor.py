"""Owns `flask chat doctor`: what is risky or broken, and what to do."""

import click

from chat.commands.group import chat_cli, this_chat
from chat.risks import risks


@chat_cli.command("doctor")
def doctor() -> None:
    """Say what is risky in the settings, and why the database cannot be used; exit with 1 if something is."""
    chat = this_chat()
    found = risks(chat.settings)
    chat.storage.database.can_write()
    if (fault := chat.storage.health.fault()) is not None:
        found.insert(0, f"{fault.code}: {fault.message}")
    for risk in found:
        click.echo(f"- {risk}")
    if found:
        raise SystemExit(1)
    click.echo("Nothing risky is set.")
