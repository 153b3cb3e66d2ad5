"""Owns what all commands share: their group, the chat that they are about, and how an error is told."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, ScriptInfo

from chat.errors import ChatError
from chat.notifications.remote import NotReached
from chat.server import ChatServer
from chat.storage import migrate
from chat.storage.failures import DATABASE_FAILS, STATEMENT_FAILS, log_text

SERVING = "run"  # the command that serves


class _Commands(AppGroup):
    """Says an error of ours as click does, in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NotReached as error:
            raise _Unreachable(error.message) from None
        except ChatError as error:
            raise click.ClickException(error.message) from None
        except DATABASE_FAILS as error:
            raise click.ClickException(f"The database fails: {log_text(error)}") from None
        except STATEMENT_FAILS as error:  # PostgreSQL's, until `init-db` has run
            chat: ChatServer = ctx.ensure_object(ScriptInfo).load_app().extensions["chat"]
            try:
                migrate.check(chat.storage.database.engine)
            except ChatError as wrong:
                raise click.ClickException(wrong.message) from None
            raise error


class _Unreachable(click.ClickException):
    exit_code = 3


chat_cli = _Commands("chat", help="Run the chat server's own commands.")


def is_running() -> bool:
    """Return whether one of these commands runs that does not serve: not every one needs tables that are up to date."""
    context = child = click.get_current_context(silent=True)
    while context is not None and context.command is not chat_cli:
        child, context = context, context.parent
    return context is not None and child is not None and child.command.name != SERVING


def this_chat() -> ChatServer:
    chat: ChatServer = current_app.extensions["chat"]
    return chat


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while something long is done. Gives what is to be called with done and all."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as shown:

        def progress(done: int, total: int) -> None:
            shown.length = total
            shown.update(done - shown.pos)

        yield progress
