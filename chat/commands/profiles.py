"""Owns the command that says how many users are shown, from a file."""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import click
from msgspec import to_builtins

from chat.commands.group import bar, chat_cli, this_chat
from chat.errors import ChatError
from chat.notifications.remote import NotReached, Service
from chat.protocol.profiles import Profile, checked
from chat.server import ChatServer

COLUMNS = ("user_id", "display_name", "avatar_url", "subtitle")
AT_ONCE = 500  # users of one transaction, between two steps of the bar

Row = tuple[str, Profile]


@chat_cli.command("import-users")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def import_users(file: TextIO) -> None:
    """Make users known, and say how they are shown, from a CSV file; - is stdin.

    Its first line names the columns: user_id, and any of display_name, avatar_url, subtitle. What is left empty is taken
    away. Nothing is stored where a line is wrong. The server at CHAT_URL tells open pages; where none answers, it is
    written to the database.
    """
    chat = this_chat()
    rows = [*_rows(chat, file)]
    put, changed, is_told = _by_server(chat), 0, True
    with bar("Importing") as progress:
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            try:
                changed += put(some)
            except NotReached:
                put, is_told = (lambda part: len(chat.storage.profiles.put(dict(part)))), False
                changed += put(some)
            progress(start + len(some), len(rows))
    told = (
        ""
        if is_told or not changed
        else " No server answers at CHAT_URL: pages that are open see it when they are loaded."
    )
    click.echo(f"{len(rows)} users, of whom {changed} are new or shown otherwise now.{told}")


def _rows(chat: ChatServer, file: TextIO) -> Iterator[Row]:
    lines = csv.DictReader(file)
    try:
        columns = lines.fieldnames or ()
        if "user_id" not in columns or set(columns) - set(COLUMNS):
            raise click.ClickException(
                f"The first line must name the columns: user_id, and any of {', '.join(COLUMNS[1:])}."
            )
        for row in lines:
            if None in row or None in row.values():
                raise click.ClickException(f"Line {lines.line_num}: it has not as many columns as the first.")
            try:
                user_id = chat.names.checked(row.pop("user_id").strip(), "user_id")
                yield user_id, checked(Profile(**row), chat.settings.avatar_hosts)
            except ChatError as error:
                raise click.ClickException(f"Line {lines.line_num}: {error.message}") from None
    except UnicodeDecodeError:
        raise click.ClickException("The file is not UTF-8.") from None
    except csv.Error as error:
        raise click.ClickException(f"Line {lines.line_num}: {error}.") from None


def _by_server(chat: ChatServer) -> Callable[[Sequence[Row]], int]:
    service = Service(chat.settings.url, chat.tokens, "cli")

    def put(rows: Sequence[Row]) -> int:
        users: list[dict[str, Any]] = [{"userId": user_id, **to_builtins(profile)} for user_id, profile in rows]
        return service.put_users(users)

    return put
