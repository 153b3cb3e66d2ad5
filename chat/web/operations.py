"""What the API offers: path, request, answer and errors of each operation, once.

`api.py` makes the routes of it and `openapi.py` the document, so that neither can forget one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from chat import errors
from chat.errors import ChatError
from chat.web import shapes

PREFIX = "/api"

IN_A_QUERY = (errors.UnknownField, errors.InvalidField)
IN_A_BODY = (
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
    answer: Any  # a struct, or dict where the shape is somebody else's
    example: msgspec.Struct | None = None  # of the answer
    status: int = 200
    body: type[msgspec.Struct] | None = None
    body_example: msgspec.Struct | None = None
    query: type[msgspec.Struct] | None = None
    path_parameters: type[msgspec.Struct] | None = None
    for_a_user: bool = True  # needs a token
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

OPERATIONS = (
    Operation(
        name="open_session",
        method="POST",
        path="/session",
        summary="Sign in: get a token for a free name.",
        body=shapes.NewSession,
        body_example=shapes.NewSession(user_id="alice"),
        answer=shapes.Session,
        example=shapes.Session(
            user_id="alice", token="eyJhbGciOi...", expires_at="2026-03-02T09:30:00.000Z"
        ),
        status=201,
        for_a_user=False,
        errors=IN_A_BODY,
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
        name="show_document",
        method="GET",
        path="/openapi.json",
        summary="This document.",
        answer=dict[str, Any],
        for_a_user=False,
    ),
)
