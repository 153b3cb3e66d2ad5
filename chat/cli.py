"""Commands for whoever runs the server: `flask chat ...`.

What they do stands in the files that they call; here is only what is said on the terminal.
"""

from __future__ import annotations

import click
from flask.cli import AppGroup, FlaskGroup

from chat.errors import ChatError
from chat.storage import migrate, storage

chat_cli = AppGroup("chat", help="Run the chat server's own commands.")


def is_looked_for() -> bool:
    """Whether `flask` loads the application to find one of its commands, and not to serve it."""
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


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
