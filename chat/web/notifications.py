"""Notifications over HTTP: push them, as a program with a token of its own; list, dismiss and stream one's own.

What becomes of one that is pushed is `chat/notifications.py`'s.
"""

from __future__ import annotations

import hashlib
import logging

import msgspec
from flask import Response, request
from msgspec import UNSET

from chat.errors import RateLimited
from chat.limits import TOO_MANY_RETRY_SECONDS
from chat.notifications.draft import Level
from chat.notifications.notifier import Notifier, Pushed
from chat.notifications.stream import Listener
from chat.people.directory import Directory
from chat.people.online import streams
from chat.protocol.structs import encode, iso
from chat.storage.notifications import Notice, Once
from chat.transport.connections import Connections
from chat.transport.event_stream import HEADERS, EventStream, QueuedStream
from chat.web import notification_shapes as shapes
from chat.web import requests as reading
from chat.web.adoption import ADOPTED, check_room, peer_address, taken_socket
from chat.web.answers import json_answer
from chat.web.headers import security_headers

log = logging.getLogger("chat")

SCOPE = "notify"
PUSH_BYTES = 2_097_152  # ten thousand names of 64 letters, of any script


class NotificationViews:
    """One method for each operation on notifications, called by its name."""

    def __init__(self, directory: Directory, notifier: Notifier, connections: Connections) -> None:
        self._directory = directory
        self._notifier = notifier
        self._connections = connections

    def push_notification(self) -> Response:
        service = self._service()
        key = reading.headers(shapes.PushHeaders).idempotency_key
        asked = reading.body(shapes.NewNotification, PUSH_BYTES)
        once = None
        if key is not UNSET:
            once = Once(service, key, hashlib.sha256(encode(asked)).hexdigest())
        if asked.to_user_id is not None:
            pushed = self._notifier.push(asked.to_user_id, asked, once)
        else:
            pushed = self._notifier.push_to_many(service, asked.to_user_ids, asked, once)
            if not pushed.repeated:
                log.info("batch %d of service=%r", pushed.batch_id, service)
        return json_answer(answer_of(pushed), 201)

    def show_batch(self, batch_id: str) -> Response:
        service = self._service()
        asked = reading.path(shapes.WithBatch, batchId=batch_id)
        batch = self._notifier.progress(service, asked.batch_id)
        return json_answer(
            shapes.BatchProgress(
                batch_id=batch.id,
                total=batch.total,
                sent=batch.sent,
                sockets=batch.reached,
                finished=batch.finished,
            )
        )

    def list_notifications(self) -> Response:
        user_id = self._directory.user_of(reading.bearer_token())
        asked = reading.query(shapes.NotificationsPage)
        after = None if asked.cursor is UNSET else (asked.cursor[0] == "s", int(asked.cursor[1:]))
        stored = self._notifier.stored
        found, unseen = self._directory.run(stored.page, user_id, asked.limit + 1, after)
        shown = found[: asked.limit]
        return json_answer(
            shapes.Notifications(
                notifications=[_notification(notice) for notice in shown],
                unseen=unseen,
                next=_cursor_after(shown[-1]) if len(found) > len(shown) else UNSET,
            )
        )

    def dismiss_notification(self, notification_id: str) -> Response:
        user_id = self._directory.user_of(reading.bearer_token())
        asked = reading.path(shapes.WithNotification, notificationId=notification_id)
        self._notifier.dismiss(user_id, asked.notification_id)
        return Response(status=204)

    def stream_notifications(self) -> Response:
        user_id, admission = self._directory.admission_of(reading.bearer_token())
        last = reading.headers(shapes.StreamHeaders).last_event_id
        resumed = last is not UNSET
        listener = Listener(user_id, admission, None if last is UNSET else last)
        if request.method == "HEAD":  # Flask answers it by the view for GET
            return Response(headers=HEADERS)
        check_room(self._connections)
        if len(streams.of(user_id)) >= self._connections.limits.sockets_per_user:
            raise RateLimited(TOO_MANY_RETRY_SECONDS, "You have too many streams open.")
        log.info("stream user=%r address=%s", user_id, peer_address())
        if (sock := taken_socket()) is not None:
            headers = security_headers(request.is_secure)
            stream = EventStream(
                sock,
                self._connections,
                peer_address(),
                listener.left,
                headers,
                admission.deadline,
            )
            self._notifier.listen(listener, stream, resumed)
            return ADOPTED
        seconds = self._connections.settings.heartbeat_seconds
        queued = QueuedStream(seconds, listener.left, admission.deadline)
        self._notifier.listen(listener, queued, resumed)
        return Response(iter(queued), headers=HEADERS)

    def _service(self) -> str:
        return self._directory.tokens.service_of(reading.bearer_token(), SCOPE)


def answer_of(pushed: Pushed) -> shapes.Pushed:
    """What a push is answered; of a batch it is not known yet whom it reaches."""
    one = pushed.id is not None
    return shapes.Pushed(
        id=pushed.id if pushed.id is not None else UNSET,
        batch_id=pushed.batch_id if pushed.batch_id is not None else UNSET,
        sockets=pushed.sockets if one else UNSET,
        repeated=pushed.repeated or UNSET,
    )


def _notification(notice: Notice) -> shapes.StoredNotification:
    content = notice.content
    return shapes.StoredNotification(
        id=notice.id,
        message=content.message,
        level=msgspec.convert(content.level, Level),
        timestamp=iso(content.created_at),
        seen=notice.seen,
        title=UNSET if content.title is None else content.title,
        link=UNSET if content.link is None else content.link,
        expires=UNSET if content.expires_at is None else iso(content.expires_at),
    )


def _cursor_after(notice: Notice) -> str:
    return f"{'s' if notice.seen else 'u'}{notice.id}"
