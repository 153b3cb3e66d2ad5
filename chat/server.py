"""Owns every part of one chat: makes them, gives each the parts that it needs, starts and stops them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from chat.config import Settings
from chat.limits import Limits
from chat.notifications.notifier import Notifier
from chat.people.directory import Directory
from chat.people.tokens import Tokens
from chat.storage.storage import Storage
from chat.transport.connections import Connections


class ChatServer:
    """One app's chat."""

    settings: Settings
    log: logging.Logger
    user_key: Callable[[str], str]  # a name -> the key by which two spellings are one user
    metrics: Any
    limits: Limits
    storage: Storage
    tokens: Tokens
    online: Any  # each user's sockets
    streams: Any  # each user's readers of server-sent events
    connections: Connections
    directory: Directory
    notifier: Notifier
    hash_in_thread: Callable[..., Any]  # hash_in_thread(function, *args): a few at a time
