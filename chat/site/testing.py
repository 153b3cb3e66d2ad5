"""Owns the chat of a site's test: in a folder of its own that goes with it, and alone with itself."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from weakref import finalize

from chat.config import Settings
from chat.server import ChatServer
from chat.storage.storage import Storage

FILE = "chat.db"  # where a ChatServer keeps its database if no setting says so


def is_on(settings: Settings, app_is_testing: bool) -> bool:
    """Return whether an app is tested: by CHAT_TESTING, else by Flask's TESTING."""
    return settings.testing == "on" or (not settings.testing and app_is_testing)


def made(make: Callable[..., ChatServer], settings: Settings) -> ChatServer:
    """Make a chat that reaches nobody. Whatever the settings say of database, bus and webhook, it has its own folder."""
    alone = replace(settings, testing="on", database_url="", bus_url="", webhook_url="", rate_limits="off")
    folder = Path(mkdtemp(prefix="chat-test-"))
    try:
        (folder / FILE).touch(0o600)
        (folder / FILE).write_bytes(_tables())
        chat = make(alone, folder=str(folder))
    except BaseException:
        shutil.rmtree(folder)
        raise
    finalize(chat, _end, chat.storage.database.close, folder)
    return chat


def _end(close: Callable[[], None], folder: Path) -> None:
    close()
    shutil.rmtree(folder, ignore_errors=True)


@cache
def _tables() -> bytes:
    """Return the file of a database that holds nothing. Making its tables takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder, FILE)
        Storage(path, str, getLogger("chat"), 1, is_direct=True).close()
        return path.read_bytes()
