"""What the API offers: path, request, answer and errors of each operation, once.

`api.py` makes the routes of it and `openapi.py` the document, so that neither can forget one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from chat import errors
from chat.errors import ChatError
from chat.web import notification_shapes, shapes

PREFIX = "/api"

IN_A_QUERY = (errors.UnknownField, errors.InvalidField)
IN_A_BODY = (
    errors.NotJson,
    errors.BadJson,
    errors.MissingField,
    errors.UnknownField,
    errors.InvalidField,
    errors.BadRequest,
    errors.SlowBody,
    errors.TooLarge,
)
FOR_A_USER = (errors.NotSignedIn, errors.Busy, errors.Unavailable)


class Operation(NamedTuple):
    """One method of one path. `name`: of the view, and the document's operationId."""

    name: str
    method: str
    path: str  # below PREFIX; a parameter in braces, by its name on the wire
    summary: str
    answer: Any  # a struct, dict where the shape is somebody else's, or None for an empty one
    example: msgspec.Struct | None = None  # of the answer
    status: int = 200
    body: type[msgspec.Struct] | None = None
    body_example: msgspec.Struct | None = None
    query: type[msgspec.Struct] | None = None
    path_parameters: type[msgspec.Struct] | None = None
    headers: type[msgspec.Struct] | None = None
    for_a_user: bool = True  # needs a token
    media: str = "application/json"  # of the answer
    errors: tuple[type[ChatError], ...] = ()


_MOMENT = "2026-01-31T09:30:00.000Z"
_MESSAGE = shapes.StoredMessage(
    seq=7,
    from_user_id="bob",
    to_user_id="alice",
    message="안녕!",
    timestamp=_MOMENT,
    client_id="c-7",
)
_CONVERSATION = shapes.Conversation(
    with_user_id="bob",
    last_seq=7,
    received=7,
    read=6,
    their_received=7,
    their_read=7,
    unread=1,
    last_message=_MESSAGE,
)
_FOUND = shapes.FoundMessage(
    with_user_id="bob", seq=7, from_user_id="bob", message="안녕!", timestamp=_MOMENT
)

_NOTIFICATION = notification_shapes.StoredNotification(
    id=7, message="The build is green", level="success", timestamp=_MOMENT, seen=False
)
_SECRET = "correct horse battery staple"
_SESSION = shapes.Session(
    user_id="alice", token="eyJhbGciOi...", expires_at="2026-02-07T09:30:00.000Z", has_password=True
)

OPERATIONS = (
    Operation(
        name="open_account",
        method="POST",
        path="/accounts",
        summary="Give a free name a password, which it needs from then on; a token for it.",
        body=shapes.NewAccount,
        body_example=shapes.NewAccount(user_id="alice", password=_SECRET),
        answer=shapes.Session,
        example=_SESSION,
        status=201,
        for_a_user=False,
        errors=(*IN_A_BODY, errors.SignUpClosed, errors.NameTaken, errors.Unavailable),
    ),
    Operation(
        name="open_session",
        method="POST",
        path="/session",
        summary="Sign in: get a token.",
        body=shapes.NewSession,
        body_example=shapes.NewSession(user_id="alice"),
        answer=shapes.Session,
        example=_SESSION,
        status=201,
        for_a_user=False,
        errors=(
            *IN_A_BODY,
            errors.SignInNeeded,
            errors.WrongPassword,
            errors.RateLimited,
            errors.UnknownUser,
            errors.Unavailable,
        ),
    ),
    Operation(
        name="close_session",
        method="DELETE",
        path="/session",
        summary="Sign out: the token counts no more, and its sockets close.",
        answer=None,
        status=204,
    ),
    Operation(
        name="change_password",
        method="PUT",
        path="/password",
        summary="Change one's password. All tokens lose their worth; a new one is the answer.",
        body=shapes.NewPassword,
        body_example=shapes.NewPassword(old_password=_SECRET, new_password="a better one, longer"),
        answer=shapes.Session,
        example=_SESSION,
        errors=(*IN_A_BODY, errors.WrongPassword, errors.RateLimited),
    ),
    Operation(
        name="list_conversations",
        method="GET",
        path="/conversations",
        summary="One's conversations, that with the newest message first.",
        query=shapes.ConversationsPage,
        answer=shapes.Conversations,
        example=shapes.Conversations(conversations=[_CONVERSATION], next=None),
        errors=IN_A_QUERY,
    ),
    Operation(
        name="list_messages",
        method="GET",
        path="/conversations/{userId}/messages",
        summary="The messages of the conversation with a user, in the order of seq.",
        path_parameters=shapes.WithUser,
        query=shapes.MessagesPage,
        answer=shapes.History,
        example=shapes.History(messages=[_MESSAGE], last_seq=7, more=True),
        errors=IN_A_QUERY,
    ),
    Operation(
        name="push_notification",
        method="POST",
        path="/notifications",
        summary="Say something to one user, to many, or to everyone; for services with the scope notify.",
        body=notification_shapes.NewNotification,
        body_example=notification_shapes.NewNotification(
            to_user_id="bob", message="The build is green", level="success", link="/builds/7"
        ),
        headers=notification_shapes.PushHeaders,
        answer=notification_shapes.Pushed,
        example=notification_shapes.Pushed(id=7, sockets=2),
        status=201,
        errors=(*IN_A_BODY, errors.Forbidden, errors.UnknownUser, errors.Conflicting),
    ),
    Operation(
        name="show_batch",
        method="GET",
        path="/notifications/batches/{batchId}",
        summary="How far a batch has got; for the service that asked for it.",
        path_parameters=notification_shapes.WithBatch,
        answer=notification_shapes.BatchProgress,
        example=notification_shapes.BatchProgress(
            batch_id=3, total=10_000, sent=2_500, sockets=612, finished=False
        ),
        errors=(errors.InvalidField, errors.Forbidden, errors.NotFound),
    ),
    Operation(
        name="list_notifications",
        method="GET",
        path="/notifications",
        summary="One's notifications, the unseen first, then the newest.",
        query=notification_shapes.NotificationsPage,
        answer=notification_shapes.Notifications,
        example=notification_shapes.Notifications(notifications=[_NOTIFICATION], unseen=1),
        errors=IN_A_QUERY,
    ),
    Operation(
        name="dismiss_notification",
        method="POST",
        path="/notifications/{notificationId}/dismiss",
        summary="Take a notification off all one's screens.",
        path_parameters=notification_shapes.WithNotification,
        answer=None,
        status=204,
        errors=(errors.InvalidField, errors.NotFound),
    ),
    Operation(
        name="stream_notifications",
        method="GET",
        path="/notifications/stream",
        summary="One's notifications as server-sent events, from now on or from Last-Event-ID.",
        headers=notification_shapes.StreamHeaders,
        answer=None,
        media="text/event-stream",
        errors=(errors.InvalidField, errors.TooManySockets, errors.Stopping),
    ),
    Operation(
        name="search_messages",
        method="GET",
        path="/search",
        summary="One's messages that hold a text, the newest first.",
        query=shapes.Wanted,
        answer=shapes.FoundMessages,
        example=shapes.FoundMessages(messages=[_FOUND], next=None),
        errors=(*IN_A_QUERY, errors.MissingField),
    ),
    Operation(
        name="list_users",
        method="GET",
        path="/users",
        summary="Names that begin so.",
        query=shapes.Beginning,
        answer=shapes.Users,
        example=shapes.Users(users=[shapes.User(user_id="bob")]),
        errors=IN_A_QUERY,
    ),
    Operation(
        name="show_document",
        method="GET",
        path="/openapi.json",
        summary="This document.",
        answer=dict[str, Any],
        for_a_user=False,
    ),
)
