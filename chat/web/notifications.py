"""Owns the operations on one's own notifications: list, see, dismiss, and stream them."""

from typing import Annotated

from flask import Response, request
from msgspec import UNSET, Meta, UnsetType

from chat.errors import InvalidField, NotFound, RateLimited, Stopping, TooManySockets, Unavailable
from chat.limits import TOO_MANY_RETRY_SECONDS
from chat.people.tokens import Admission
from chat.protocol.notices import Dismissed, Notification, NotificationId, Seen
from chat.protocol.structs import Level, iso
from chat.server import ChatServer
from chat.storage.notifications import Notice
from chat.transport.event_stream import HEADERS, EventStream, QueuedStream
from chat.transport.reply import Reply
from chat.web.changes import ChangesPage
from chat.web.cors import cors_headers
from chat.web.cursors import Next
from chat.web.headers import security_headers
from chat.web.operations import Operation
from chat.web.requests import peer_address
from chat.web.shapes import Answer, Epoch, Limit, Moment, Request, Seq
from chat.web.upgrade import ADOPTED, check_room, may_be_taken, taken_socket

# Seen or unseen, and an id.
Place = Annotated[str, Meta(pattern="^[us][0-9]{1,15}$", description="The `next` of the page before.")]


class NotificationsPage(Request):
    """Which of one's notifications."""

    limit: Limit = 50
    cursor: Place | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.cursor is not UNSET and not self.cursor.isalnum():  # a pattern's $ allows a line end
            raise InvalidField(field="cursor", rule="bad_cursor")


class StoredNotification(Answer):
    """A notification, as it is stored."""

    notification_id: int
    id: Annotated[int, Meta(description="The same, as it was called first.")]
    message: str
    level: Level
    timestamp: Moment
    seen: bool
    title: str | UnsetType = UNSET
    link: str | UnsetType = UNSET
    expires_at: Moment | UnsetType = UNSET
    expires: Annotated[Moment, Meta(description="The same, as it was called first.")] | UnsetType = UNSET


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
      "notificationId": 7, "id": 7, "message": "The build is green", "level": "success", "timestamp": "2026-01-31T09:30:00.000Z",
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
    expires_at = UNSET if content.expires_at is None else iso(content.expires_at)
    return StoredNotification(
        notification_id=notice.id,
        id=notice.id,
        message=content.message,
        level=content.level,
        timestamp=iso(content.created_at),
        seen=notice.seen,
        title=UNSET if content.title is None else content.title,
        link=UNSET if content.link is None else content.link,
        expires_at=expires_at,
        expires=expires_at,
    )


class NotificationChange(Answer):
    """What became of a notification: each counts once, with its last change."""

    change: Annotated[Seq, Meta(description="1, 2, 3 ... without gaps for each user.")]
    notification_id: int
    seen: bool
    dismissed: bool


class Changed(Answer):
    """What was seen or dismissed, the oldest change first."""

    changes: list[NotificationChange]
    change: Annotated[Seq, Meta(description="The number of the last one that there is; 0: none.")]
    more: Annotated[bool, Meta(description="There are others, behind the last of these.")]
    incomplete: Annotated[bool, Meta(description="Some were deleted with their notifications: list these anew.")]
    epoch: Epoch


@Operation(
    "GET",
    "/notifications/changes",
    "Which of one's notifications were seen or dismissed since a change.",
    example="""{"changes": [{"change": 7, "notificationId": 7, "seen": true, "dismissed": false}],
      "change": 7, "more": false, "incomplete": false, "epoch": "dQw4w9WgXcQ1"}""",
)
def list_notification_changes(chat: ChatServer, user_id: str, query: ChangesPage) -> Changed:
    find = chat.storage.notification_changes.after
    found, newest, is_incomplete = chat.storage.in_thread(find, user_id, query.after, query.limit + 1)
    shown = [
        NotificationChange(change=one.change, notification_id=one.id, seen=one.seen, dismissed=one.dismissed)
        for one in found[: query.limit]
    ]
    return Changed(
        changes=shown, change=newest, more=len(found) > len(shown), incomplete=is_incomplete, epoch=chat.storage.epoch
    )


class UpTo(Request):
    """Which notifications were seen or dismissed."""

    up_to: Annotated[NotificationId, Meta(description="All of one's own up to this one.")]


@Operation(
    "POST",
    "/notifications/seen",
    "Mark one's notifications as seen, all up to one.",
    body_example='{"upTo": 7}',
    errors=(Unavailable,),
)
def see_notifications(chat: ChatServer, user_id: str, body: UpTo) -> None:
    reply = Reply()
    chat.notifier.see_up_to(user_id, body.up_to, then=reply)
    reply.wait()


@Operation(
    "POST",
    "/notifications/dismiss",
    "Take one's notifications off all one's screens, all up to one.",
    body_example='{"upTo": 7}',
    errors=(Unavailable,),
)
def dismiss_notifications(chat: ChatServer, user_id: str, body: UpTo) -> None:
    reply = Reply()
    chat.notifier.dismiss_up_to(user_id, body.up_to, then=reply)
    reply.wait()


class OfNotification(Request):
    """Which notification."""

    notification_id: Annotated[Seq, Meta(description="Its `id`.")]


@Operation(
    "POST",
    "/notifications/<notificationId>/dismiss",
    "Take a notification off all one's screens.",
    errors=(NotFound(field="notificationId", rule="notification"),),
)
def dismiss_notification(chat: ChatServer, user_id: str, path: OfNotification) -> None:
    chat.notifier.dismiss(user_id, path.notification_id)


# A notification's id; and the epoch that it belongs to, which a program that keeps the id alone may leave out.
Mark = Annotated[
    str, Meta(pattern=r"^[0-9]{1,15}(\.[A-Za-z0-9_-]{1,64})?$", description="The `id` of the last event that came.")
]


class StreamQuery(Request):
    """From which change on."""

    change: Annotated[Seq, Meta(description="Changes with larger numbers come first.")] | UnsetType = UNSET


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
        'data: {"type":"notification","notificationId":7,"id":7,"message":"The build is green","level":"success",'
        '"timestamp":"2026-01-31T09:30:00.000Z"}\n\n'
        'event: seen\ndata: {"type":"seen","notificationId":7,"change":4}\n\n'
        'event: dismissed\ndata: {"type":"dismissed","notificationId":7,"change":5}\n\n'
    ),
    events=(Notification, Seen, Dismissed),
    errors=(TooManySockets, Stopping),
)
def stream_notifications(
    chat: ChatServer, user_id: str, admission: Admission, query: StreamQuery, headers: StreamHeaders
) -> Response:
    if request.method == "HEAD":  # Flask answers it by the view for GET
        return Response(headers=HEADERS)
    check_room(chat.connections, peer_address())
    if len(chat.listeners.of(user_id)) >= chat.limits.sockets_per_user:
        raise RateLimited(TOO_MANY_RETRY_SECONDS, "streams_of_user")
    last = chat.streams.last_of("" if headers.last_event_id is UNSET else headers.last_event_id)
    change = None if query.change is UNSET else query.change
    address, deadline = peer_address(), admission.deadline
    listener = chat.streams.listener(user_id, admission)
    chat.log.info("stream user=%r address=%s", user_id, address)
    if not may_be_taken(request.environ):
        queued = QueuedStream(chat.settings, listener.left, deadline)
        listener.begin(queued, last, change)
        return Response(iter(queued), headers=HEADERS)
    origins = chat.settings.origins
    headers_sent = security_headers(request.is_secure, origins) | cors_headers(origins)
    stream = EventStream(
        taken_socket(request.environ), chat.connections, address, listener.left, headers_sent, deadline
    )
    listener.begin(stream, last, change)
    return ADOPTED
