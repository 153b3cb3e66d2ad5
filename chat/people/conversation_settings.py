"""Owns the settings of each user's conversations: muted, marked as unread, hidden. All of a user's screens know them."""

from dataclasses import dataclass, field

from chat.errors import Forbidden, RateLimited
from chat.limits import Meter
from chat.people.online import Online, Socket
from chat.protocol.changes import SettingsChange
from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.names import keys_of
from chat.storage.storage import Storage

MOST = 1_000  # conversations of one user that are not as all begin: `ready` names each
CHANGES_PER_MINUTE = 120  # of one user: each is a commit


@dataclass(eq=False)
class SettingsOfUsers:
    """The settings of one chat. Lives on the event loop; its questions to the database block the greenlet."""

    _storage: Storage
    _online: Online[Socket]
    _changes: Meter = field(default_factory=lambda: Meter(CHANGES_PER_MINUTE))

    def put(self, user_id: str, settings: ConversationSettings) -> None:
        """Store the settings of a conversation, and tell the user's sockets.

        Raises RateLimited; Forbidden: so many others are set; or as `Storage.write`.
        """
        if seconds := self._changes.take(user_id):
            raise RateLimited(seconds)
        stored = self._storage.settings
        others = {one.with_user_id for one in self._storage.in_thread(stored.of, user_id)} - {settings.with_user_id}
        if len(others) >= MOST and not settings.is_default:
            raise Forbidden(field="userId", rule="too_many_set", max=MOST)
        self._storage.write(stored.put, user_id, settings)
        self._online.emit(
            SettingsChange(settings=settings, keys=keys_of([settings.with_user_id], self._storage.user_key)), to=user_id
        )
