"""Owns the lesson of one chat: its pupils' sockets, and what they may ask of their own socket."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta

from chat.client import Client
from chat.config import Settings
from chat.errors import UnknownEvent
from chat.learn.box import Boxes
from chat.learn.race import TABS, race
from chat.learn.watched import Watch, Watched, WatchedDecoder, unwatch, watch
from chat.notifications.draft import draft_of
from chat.protocol.structs import Payload
from chat.router import Answer, Events
from chat.server import ChatServer
from chat.setting_checks import is_loopback

MOST_AWAY = 1_000  # pupils for whom the server is away; it is for seconds


class Learn(Payload):
    """A pupil's page asks something of its own socket."""

    do: Literal["watch", "unwatch", "cut", "lose_ack", "send_twice", "race", "notify"]
    seconds: Annotated[float, Meta(ge=0, le=5)] = 0  # of `cut`: how long the server stays away for this pupil
    has_lock: bool = True  # of `race`


class Wave(Payload):
    """An event of one's own: what the last step shows."""

    text: Annotated[str, Meta(max_length=100)]


class Lesson:
    """What is known of the pupils. The ChatServer is the clients' own; everything here may be lost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.boxes = Boxes()
        self._pupils: dict[Watched, int] = {}  # socket -> its number in the lesson, in the order of coming
        self._last_number = 0
        self._away: dict[str, float] = {}  # a pupil's key -> time.monotonic() when the server is back for them

    # Whether there is one.

    @staticmethod
    def is_possible(settings: Settings) -> bool:
        """Whether any request may have it: `is_open` goes by the address too."""
        return settings.learn == "on" or (settings.learn == "" and not settings.trusted_proxies)

    @classmethod
    def is_open(cls, settings: Settings, address: object) -> bool:
        """Whether it is there for who came to this address of the server's."""
        return cls.is_possible(settings) and (settings.learn == "on" or is_loopback(str(address)))

    # Its sockets.

    def join(self, sock: Any, chat: ChatServer, address: str, key: str, step: str) -> Watched:
        """Take up a pupil's socket, which is watched from its first frame on."""
        client = Watched(sock, chat, address)
        client._decoder = WatchedDecoder(client._decoder, Watch(self, key, step))
        self._last_number += 1
        self._pupils[client] = self._last_number
        if self._away.get(key, 0) > time.monotonic():
            client.abort("1006 the lesson's server is away")
        return client

    def left(self, client: Watched, owner: str | None) -> None:
        """A watched socket is over."""
        self._pupils.pop(client, None)
        self.tell_people(owner)

    def tell_people(self, *user_ids: str | None) -> None:
        """Tell the users' pupils what the dict of sockets holds of them, and how many other users it has."""
        for client in [*self._pupils]:
            if client.owner and client.owner in user_ids:
                online = client.chat.online
                numbers = [self._pupils.get(socket, 0) for socket in online.of(client.owner)]  # type: ignore[call-overload]
                told = {"user": client.owner, "sockets": numbers, "mine": self._pupils[client]}
                client.emit({"type": "people", **told, "others": len(online) - 1})

    def delivered(self, sender: str, begun: float, ended: float) -> None:
        """A pupil's message has reached another socket."""
        for client in self._pupils:
            if client.owner == sender and client.watch.way is not None:
                client.watch.way.note("deliver", begun, ended)

    def tell_news(self, key: str, number: int, text: str) -> None:
        """Push news to the pupil's sockets."""
        for client in [*self._pupils]:
            if client.watch.key == key:
                client.emit({"type": "news", "number": number, "text": text})

    # Its events.

    def declare(self, events: Events) -> None:
        """Declare the lesson's events in those of one app."""
        events.on("learn", Learn, before_init=True)(self._learn)
        events.on("wave", Wave)(self._wave)

    def _learn(self, client: Client, event: Learn) -> Answer:
        self._check_open(client)
        act: Callable[[Client, Learn], Answer] = getattr(self, f"_{event.do}")
        return act(client, event)

    def _wave(self, client: Client, event: Wave) -> Answer:
        """Wave to all of one's own sockets."""
        self._check_open(client)
        seen = client.chat.online.emit({"type": "wave", "text": event.text}, to=client.user_id)
        return {"seen": seen}

    def _check_open(self, client: Client) -> None:
        if not self.is_open(self._settings, client.sock.getsockname()[0]):
            raise UnknownEvent(field="type")

    def _watch(self, client: Client, _: Learn) -> None:
        watch(client, self).is_told = True

    def _unwatch(self, client: Client, _: Learn) -> None:
        unwatch(client)

    def _cut(self, client: Client, event: Learn) -> None:
        if event.seconds:
            now = time.monotonic()
            self._away = {key: until for key, until in self._away.items() if until > now}
            if len(self._away) < MOST_AWAY:
                self._away[watch(client, self).key] = now + event.seconds
        client.abort("1006 the lesson cut the line")

    def _lose_ack(self, client: Client, _: Learn) -> None:
        watch(client, self).lose_ack = True  # the next one: so this is to be asked without a ref

    def _send_twice(self, client: Client, _: Learn) -> None:
        watch(client, self).send_twice = True

    def _race(self, _client: Client, event: Learn) -> Answer:
        return {"came": TABS, "left": race(event.has_lock)}

    def _notify(self, client: Client, _: Learn) -> Answer:
        pushed = client.chat.notifier.push(client.user_id, draft_of("안녕 · hello", title="/learn", level="success"))
        return {"sockets": pushed.sockets}
