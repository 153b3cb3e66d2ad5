"""Owns `flask chat run`, which serves a site under gevent while somebody writes it, and the hint to it in `flask run`.

A first process watches over a second one, which patches before it imports the site, and ends when a file changes.
"""

import sys
import sysconfig
import time
from pathlib import Path
from typing import NoReturn

import click
import gevent
from flask import current_app
from flask.cli import ScriptInfo, run_command
from gevent import monkey
from werkzeug.serving import is_running_from_reloader

from chat import process
from chat.commands.group import SERVING, chat_cli, this_chat
from chat.server import ChatServer

LOOK_SECONDS = 0.5  # between two looks at the files
STANDARD = sysconfig.get_path("stdlib")
CHANGED = 3  # exit code of a process that is to be started anew, as werkzeug's


@chat_cli.command(SERVING)
@click.option("-h", "--host", help="Where to listen. By default as CHAT_BIND says, else on 127.0.0.1.")
@click.option(
    "-p", "--port", type=click.IntRange(0, 65_535), help="0: a free one. By default CHAT_BIND's, PORT or 8000."
)
@click.option("--reload/--no-reload", default=True, help="Start anew when a module's file changes.", show_default=True)
@click.option("--is-second", is_flag=True, hidden=True)
def run(host: str | None, port: int | None, reload: bool, is_second: bool) -> None:
    """Serve the site under gevent, for development. What it imports need not patch anything."""
    if not is_second:
        _watch_over(reload)
    chat = this_chat()
    if reload:
        current_app.jinja_env.auto_reload = True
        gevent.spawn(_end_when_changed, chat)
    process.serve_by_pywsgi(current_app._get_current_object(), chat, host, port)  # type: ignore[attr-defined]


def say_how_to_serve() -> None:
    """Say it once where `flask run` loads an app that patches nothing: its pages would be there, and no message pass."""
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return
    if not monkey.is_module_patched("socket") and not is_running_from_reloader():
        found = context.find_object(ScriptInfo)
        app = f"--app {found.app_import_path} " if found and found.app_import_path else ""
        click.secho(
            f"The chat needs gevent, which flask run does without: use  flask {app}chat run", err=True, bold=True
        )


def _watch_over(reload: bool) -> NoReturn:
    """Run the second process, again after each change; end as it does."""
    has_served = False
    while True:
        before = _stamps()
        code = process.run_patched("flask", *sys.argv[1:], "--is-second")
        if code == CHANGED:
            has_served = True
        elif code <= 0 or not (reload and has_served):
            sys.exit(code if code >= 0 else 128 - code)
        else:  # the change was a mistake
            click.echo("It waits for the next change (Ctrl-C ends).", err=True)
            while _stamps() == before:
                time.sleep(LOOK_SECONDS)


def _end_when_changed(chat: ChatServer) -> None:
    before = _stamps()
    while True:
        gevent.sleep(LOOK_SECONDS)
        now = _stamps()
        if changed := [path for path in before if now.get(path) != before[path]]:
            click.echo(f"{changed[0]} has changed: it starts anew.", err=True)
            chat.stop()
            sys.exit(CHANGED)
        before = now


def _stamps() -> dict[str, float]:
    """Return when each file was changed that was imported, but for Python's own and installed packages."""
    found: dict[str, float] = {}
    for module in [*sys.modules.values()]:
        path = str(getattr(module, "__file__", None) or "")
        if path and not path.startswith(STANDARD) and "-packages" not in path:  # site- or dist-
            try:
                found[path] = Path(path).stat().st_mtime
            except OSError:  # deleted, or half written by an editor
                found[path] = 0
    return found
