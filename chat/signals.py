"""Owns the signals of what happens in a chat: what they say, and the queue in which they wait until a site has heard them.

They are blinker's, as Flask's are: the sender is the Flask app. What is stored is left to others.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blinker import NamedSignal

from chat.figures.kinds import Counter

MOST_WAITING = 10_000  # signals that no function has heard yet: a few MB; further ones are dropped, and counted

message_stored = NamedSignal("message-stored", "A message is on the disk: `message`, a SiteMessage.")
notification_pushed = NamedSignal("notification-pushed", "It is stored: `notification`, a SiteNotification.")
user_came = NamedSignal("user-came", "The first socket of `user_id` is there.")
user_left = NamedSignal("user-left", "The last socket of `user_id` has been gone for CHAT_PRESENCE_SECONDS.")


class SiteMessage(NamedTuple):
    """A message, as a site sees it."""

    sender: str
    to: str
    message: str  # "": it was erased
    seq: int  # 1, 2, 3 ... without gaps in a conversation
    sent_at: datetime
    kind: str | None = None  # None: a text


class SiteNotification(NamedTuple):
    """A notification of one user, as a site sees it."""

    to: str
    message: str
    title: str | None
    level: str
    link: str | None
    id: int
    created_at: datetime
    expires_at: datetime | None  # None: never


class Signals:
    """The signals of one chat. Lives on the event loop. Where nobody listens, one costs a look at an empty dict.

    The functions that listen are called in a greenlet, one after the other: they may block, and delay no message.
    """

    def __init__(self, spawn: Callable[..., None], log: logging.Logger, dropped: Counter) -> None:
        """`spawn` calls a function where it may block: soon, or at once."""
        self.sender: Any = None  # the Flask app
        self.context: Callable[[], AbstractContextManager[Any]] = nullcontext  # in which a function is called
        self._spawn = spawn
        self._log = log
        self._dropped = dropped
        self._waiting: deque[tuple[NamedSignal, dict[str, Any]]] = deque()
        self._is_telling = False

    def message_stored(self, event: Any) -> None:
        """A ChatMessage is stored. Never blocks, as all of these. To be called where somebody listens: see Sending."""
        sent_at = datetime.fromisoformat(event.timestamp)
        said = event.from_user_id, event.to_user_id, event.message, event.seq, sent_at, event.kind
        self._tell(message_stored, message=SiteMessage(*said))

    def notification_pushed(self, user_id: str, id_: int, content: Any) -> None:
        """A notification with this storage.notifications.Content is stored."""
        if notification_pushed.receivers:
            said = user_id, content.message, content.title, content.level, content.link, id_
            until = None if content.expires_at is None else time_of(content.expires_at)
            pushed = SiteNotification(*said, time_of(content.created_at), until)
            self._tell(notification_pushed, notification=pushed)

    def user_came(self, user_id: str) -> None:
        if user_came.receivers:
            self._tell(user_came, user_id=user_id)

    def user_left(self, user_id: str) -> None:
        if user_left.receivers:
            self._tell(user_left, user_id=user_id)

    def _tell(self, signal: NamedSignal, **said: Any) -> None:
        if not signal.has_receivers_for(self.sender):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._dropped.add()
            return
        self._waiting.append((signal, said))
        if not self._is_telling:
            self._is_telling = True
            self._spawn(self._tell_all)

    def _tell_all(self) -> None:
        try:
            while self._waiting:
                signal, said = self._waiting.popleft()
                for function in signal.receivers_for(self.sender):
                    self._call(function, signal, said)
        finally:
            self._is_telling = False

    def _call(self, function: Callable[..., Any], signal: NamedSignal, said: dict[str, Any]) -> None:
        """One that fails does not keep the others from hearing it."""
        try:
            with self.context():
                function(self.sender, **said)
        except KeyboardInterrupt:
            raise
        except BaseException:  # its gevent.Timeout and sys.exit() are its failures as well
            self._log.exception("a function that listens to %s failed", signal.name)


def time_of(ms: int) -> datetime:
    """Return a stored time, Unix time in milliseconds, as a site's code takes it."""
    return datetime.fromtimestamp(ms / 1000, UTC)
