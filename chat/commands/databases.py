"""Owns the commands for the database: its tables, copies of it, and what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chat.commands.group import bar, chat_cli, this_chat
from chat.errors import DatabaseInUse
from chat.server import ChatServer
from chat.storage import backup, migrate
from chat.storage.epoch import Epoch
from chat.storage.examination import begin_anew
from chat.storage.lease import Lease
from chat.storage.lists_anew import list_anew


@chat_cli.command("init-db")
def init_db() -> None:
    """Bring the database of CHAT_DATABASE_URL to the newest tables; nothing is lost by repeating it."""
    engine = this_chat().storage.database.engine
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
    with bar("Copying") as progress:
        backup.back_up(this_chat().storage.database, file, progress)
    click.echo(f"{file} is a whole copy of the database.")


@chat_cli.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def put_back(file: Path) -> None:
    """Put a copy that `backup` made in the SQLite database's place. Stop the server first."""
    with _served_by_nobody() as chat, bar("Restoring") as progress:
        backup.restore(chat.storage.database, file, chat.log, progress)
    click.echo(f"The database is what {file} holds, in a new epoch: clients fetch anew what they hold.")


@chat_cli.command("new-epoch")
def new_epoch() -> None:
    """Have clients fetch anew what they hold: after a copy was put back by hand. Stop the server first."""
    with _served_by_nobody() as chat:
        Epoch(chat.storage.database).renew()
    click.echo("The database has a new epoch: clients fetch anew what they hold.")


@chat_cli.command("index-anew")
def index_anew() -> None:
    """Have SQLite's search index made anew, where `check` finds it broken. Stop the server first."""
    with _served_by_nobody() as chat:
        begin_anew(chat.storage.database)
    click.echo("The search index is empty. The server fills it when it runs, and searches meanwhile without it.")


@chat_cli.command("lists-anew")
def lists_anew() -> None:
    """Have all lists of conversations, and what is unread, made anew, where `check` finds them wrong. Stop the server first."""
    with _served_by_nobody() as chat:
        list_anew(chat.storage.database)
    click.echo("All conversations are listed, and what is unread is counted, as the messages say.")


@contextmanager
def _served_by_nobody() -> Iterator[ChatServer]:
    """Hold the right to serve the database, and share it with nobody. Ends the command if a server runs."""
    chat = this_chat()
    lease = Lease(chat.storage.database, chat.log)
    try:
        lease.acquire()
    except DatabaseInUse:
        raise click.ClickException("A server serves this database. Stop it first, and all that share it.") from None
    try:
        yield chat
    finally:
        lease.release()
