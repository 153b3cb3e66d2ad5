"""Owns the outbox of a site's tests: what was notified and sent while it was open. Leaves the telling to the signals."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from chat.signals import SiteMessage, SiteNotification, message_stored, notification_pushed


class Outbox(list[SiteNotification | SiteMessage]):
    """Everything, in the order of its storing."""

    @property
    def notifications(self) -> list[SiteNotification]:
        return [one for one in self if isinstance(one, SiteNotification)]

    @property
    def messages(self) -> list[SiteMessage]:
        return [one for one in self if isinstance(one, SiteMessage)]


@contextmanager
def recorded(apps: Iterable[Any]) -> Iterator[Outbox]:
    """Gather what these Flask apps' chats store. Several may be open at once, one within another too."""
    outbox = Outbox()

    def take(_: Any, **said: Any) -> None:
        outbox.extend(said.values())

    with ExitStack() as listening:
        for app in apps:
            for signal in (message_stored, notification_pushed):
                listening.enter_context(signal.connected_to(take, app))
        yield outbox
