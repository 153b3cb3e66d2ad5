"""Owns the operations on one's own notifications: list, dismiss, and stream them."""

from typing import Annotated

import msgspec
from flask import Response, request
from msgspec import UNSET, Meta, UnsetType

from chat.errors import InvalidField, NotFound, RateLimited, Stopping, TooManySockets
from chat.limits import TOO_MANY_RETRY_SECONDS
from chat.notifications.draft import Level
from chat.people.tokens import Admission
from chat.protocol.structs import Dismissed, Notification, iso
from chat.server import ChatServer
from chat.storage.notifications import Notice
from chat.transport.event_stream import HEADERS, EventStream, QueuedStream
from chat.web.cors import cors_headers
from chat.web.cursors import Next
from chat.web.headers import security_headers
from chat.web.operations import Operation
from chat.web.shapes import Answer, Epoch, Limit, Moment, Request, Seq
from chat.web.upgrade import ADOPTED, check_room, peer_address, taken_socket

# Seen or unseen, and an id.
Place = Annotated[str, Meta(pattern="^[us][0-9]{1,15}$", description="The `next` of the page before.")]


class NotificationsPage(Request):
    """Which of one's notifications."""

    limit: Limit = 50
    cursor: Place | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.cursor is not UNSET and not self.cursor.isalnum():  # a pattern's $ allows a line end
            raise InvalidField("cursor must be the next of an earlier answer.", "cursor")


class StoredNotification(Answer):
    """A notification, as it is stored."""

    id: int
    message: str
    level: Level
    timestamp: Moment
    seen: bool
    title: str | UnsetType = UNSET
    link: str | UnsetType = UNSET
    expires: Moment | UnsetType = UNSET


class Notifications(Answer):
    """One's notifications, the unseen first, then the newest."""

    notifications: list[StoredNotification]
    unseen: Annotated[int, Meta(ge=0, description="How many are unseen, of all.")]
    next: Next
    epoch: Epoch


@Operation(
    "GET",
    "/notifications",
    "One's notifications, the unseen first, then the newest.",
    example="""{"notifications": [{
      "id": 7, "message": "The build is green", "level": "success", "timestamp": "2026-01-31T09:30:00.000Z",
      "seen": false
    }], "unseen": 1, "next": null, "epoch": "dQw4w9WgXcQ1"}""",
)
def list_notifications(chat: ChatServer, user_id: str, query: NotificationsPage) -> Notifications:
    after = None if query.cursor is UNSET else (query.cursor[0] == "s", int(query.cursor[1:]))
    found, unseen = chat.storage.in_thread(chat.storage.notifications.page, user_id, query.limit + 1, after)
    shown = found[: query.limit]
    place = f"{'s' if shown[-1].seen else 'u'}{shown[-1].id}" if len(found) > len(shown) else None
    return Notifications(
        notifications=[_notification(notice) for notice in shown], unseen=unseen, next=place, epoch=chat.storage.epoch
    )


def _notification(notice: Notice) -> StoredNotification:
    content = notice.content
    return StoredNotification(
        id=notice.id,
        message=content.message,
        level=msgspec.convert(content.level, Level),
        timestamp=iso(content.created_at),
        seen=notice.seen,
        title=UNSET if content.title is None else content.title,
        link=UNSET if content.link is None else content.link,
        expires=UNSET if content.expires_at is None else iso(content.expires_at),
    )


class OfNotification(Request):
    """Which notification."""

    notification_id: Annotated[Seq, Meta(description="Its `id`.")]


@Operation(
    "POST",
    "/notifications/<notificationId>/dismiss",
    "Take a notification off all one's screens.",
    errors=(NotFound("There is no such notification.", "notificationId"),),
)
def dismiss_notification(chat: ChatServer, user_id: str, path: OfNotification) -> None:
    chat.notifier.dismiss(user_id, path.notification_id)


# A notification's id; and the epoch that it belongs to, which a program that keeps the id alone may leave out.
Mark = Annotated[
    str, Meta(pattern=r"^[0-9]{1,15}(\.[A-Za-z0-9_-]{1,64})?$", description="The `id` of the last event that came.")
]


class StreamHeaders(Request, rename={"last_event_id": "Last-Event-ID"}):
    """Where a stream broke off."""

    last_event_id: Mark | UnsetType = UNSET


@Operation(
    "GET",
    "/notifications/stream",
    "One's notifications as server-sent events, from now on or from Last-Event-ID.",
    media="text/event-stream",
    example=(
        "retry: 2000\n\nid: 7\nevent: notification\n"
        'data: {"type":"notification","id":7,"message":"The build is green","level":"success",'
        '"timestamp":"2026-01-31T09:30:00.000Z"}\n\n'
        'event: dismissed\ndata: {"type":"dismissed","notificationId":7}\n\n'
    ),
    events=(Notification, Dismissed),
    errors=(TooManySockets, Stopping),
)
def stream_notifications(chat: ChatServer, user_id: str, admission: Admission, headers: StreamHeaders) -> Response:
    if request.method == "HEAD":  # Flask answers it by the view for GET
        return Response(headers=HEADERS)
    check_room(chat.connections)
    if len(chat.listeners.of(user_id)) >= chat.limits.sockets_per_user:
        raise RateLimited(TOO_MANY_RETRY_SECONDS, "You have too many streams open.")
    last = chat.streams.last_of("" if headers.last_event_id is UNSET else headers.last_event_id)
    address, deadline = peer_address(), admission.deadline
    listener = chat.streams.listener(user_id, admission)
    chat.log.info("stream user=%r address=%s", user_id, address)
    if (sock := taken_socket()) is None:
        queued = QueuedStream(chat.settings.heartbeat_seconds, listener.left, deadline)
        listener.begin(queued, last)
        return Response(iter(queued), headers=HEADERS)
    headers_sent = security_headers(request.is_secure) | cors_headers(chat.settings.origins)
    stream = EventStream(sock, chat.connections, address, listener.left, headers_sent, deadline)
    listener.begin(stream, last)
    return ADOPTED


VIEWS = (list_notifications, dismiss_notification, stream_notifications)
