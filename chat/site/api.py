"""Owns the functions that a site calls on its `Chat`, and hands each on. Which app is meant is left to the extension."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from chat.notifications.notifier import PushResult
from chat.server import ChatServer
from chat.signals import SiteMessage
from chat.site import people, privacy, sending


class SiteApi(ABC):
    """What `Chat` inherits. Each may block, and raises RuntimeError where nobody can say which app is meant."""

    @abstractmethod
    def server(self) -> ChatServer:
        """Return the chat of the current app, or of the one that there is."""

    @property
    def users(self) -> people.SiteUsers:
        return people.SiteUsers(self.server())

    @property
    def messages(self) -> people.SiteMessages:
        return people.SiteMessages(self.server())

    def notify(self, to: str | int | UUID | Collection[str | int | UUID], message: str, **said: Any) -> PushResult:
        """Notify one user, or several: see `chat.notify`, which takes the same arguments."""
        return sending.notify(self.server(), to, message, **said)

    def send_message(
        self, from_id: str | int | UUID, to_id: str | int | UUID, text: str, client_id: str | None = None
    ) -> SiteMessage:
        """Send a message in somebody's name, or a bot's. Returns when it is stored, with its `seq`.

        Whoever is new is known from now on, where the site says who is there (`identify`). No limit of a person's counts.

        Args:
            client_id: your own mark, by which a message that is sent again is the same one.

        Raises:
            InvalidField: an id, or the text, cannot be one. TooLarge: the text.
            Blocked: one of the two has blocked the other.
            Busy, Unavailable: it was perhaps not stored; send it again with the same `client_id`.
        """
        return sending.send_as(self.server(), from_id, to_id, text, client_id)

    def unread(self, user_id: str | int | UUID) -> people.Unread:
        """Count the unread messages and notifications of somebody, such as for a badge."""
        return people.unread(self.server(), user_id)

    def export(self, user_id: str | int | UUID) -> Iterator[dict[str, Any]]:
        """Give all that is kept of a person, object by object, as JSON has it."""
        return privacy.export(self.server(), user_id)

    def erase(self, user_id: str | int | UUID) -> privacy.Erased:
        """Erase what is kept of a person, and shut the id out. What stays for the other side: see docs/api.md."""
        return privacy.erase(self.server(), user_id)
