"""JSON over HTTP: sign in, list one's conversations, read their messages; and the routes of all the API.

What is asked and answered stands in `operations.py`, how a request is read in `reading.py`. Messages
are sent over the socket, not here.
"""

from __future__ import annotations

import logging

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from msgspec import UNSET
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from chat.errors import (
    BadRequest,
    ChatError,
    Internal,
    MethodNotAllowed,
    NotFound,
    TooLarge,
)
from chat.people.directory import Directory
from chat.people.presence import COMPANIONS
from chat.protocol.names import canonical_user_id, name_key
from chat.protocol.structs import iso
from chat.storage.last_seen import Sightings
from chat.storage.pages import PAGE_BYTES, page_of
from chat.storage.records import Found, Message, Overview
from chat.storage.store import Store
from chat.web import limiting, openapi, shapes
from chat.web import requests as reading
from chat.web.accounts import AccountViews
from chat.web.answers import failure, json_answer
from chat.web.cursors import cursor_after, cursor_after_found, place_of, place_of_found
from chat.web.notifications import NotificationViews
from chat.web.operations import OPERATIONS, PREFIX

log = logging.getLogger("chat")

PARAMETERS = {
    "{userId}": "<name:user_id>",
    "{notificationId}": "<notification_id>",
    "{batchId}": "<batch_id>",
}


def api(
    store: Store,
    directory: Directory,
    accounts: AccountViews,
    notifications: NotificationViews,
    requests_per_minute: int = 0,
) -> Blueprint:
    """Make the blueprint of everything below /api.

    Args:
        requests_per_minute: that one address may make; 0: no limit.
    """
    views = (_Views(store, directory), accounts, notifications)
    blueprint = Blueprint("chat_api", __name__, url_prefix=PREFIX)
    blueprint.record_once(lambda state: state.app.url_map.converters.update(name=_Name))
    for operation in OPERATIONS:
        blueprint.add_url_rule(
            _rule(operation.path),
            operation.name,
            next(getattr(v, operation.name) for v in views if hasattr(v, operation.name)),
            methods=[operation.method],
            merge_slashes=False,  # a//b is a name, and not a/b
        )
    blueprint.before_request(limiting.at_most(requests_per_minute))
    blueprint.register_error_handler(HTTPException, _refuse)
    blueprint.register_error_handler(ChatError, failure)
    blueprint.register_error_handler(Exception, _break)
    # A path that is not served belongs to no blueprint, and neither does a method that is not.
    blueprint.app_errorhandler(HTTPException)(_refuse)
    blueprint.after_app_request(_keep_out_of_caches)
    return blueprint


def _rule(path: str) -> str:
    """A path of the document as one of Werkzeug's."""
    for parameter, rule in PARAMETERS.items():
        path = path.replace(parameter, rule)
    return path


class _Name(BaseConverter):
    """A user's name in a path: any characters, slashes too, since WSGI servers decode %2F."""

    regex = "(?s:.*)"  # a line end too: it is refused as a name, not as a path
    part_isolating = False


class _Views:
    """One method for each operation, called by its name."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._sightings = Sightings(store.database)
        self._directory = directory
        self._run = directory.run

    def list_conversations(self) -> Response:
        user_id = self._user()
        asked = reading.query(shapes.ConversationsPage)
        before = None if asked.cursor is UNSET else place_of(asked.cursor)
        found = self._run(self._store.overviews, user_id, asked.limit + 1, before)
        shown, more = page_of(found, asked.limit, PAGE_BYTES)
        return json_answer(
            shapes.Conversations(
                conversations=[_conversation(user_id, overview) for overview in shown],
                next=cursor_after(shown[-1]) if more else None,
            )
        )

    def list_messages(self, user_id: str) -> Response:
        me = self._user()
        other = self._directory.name_of(
            reading.path(shapes.WithUser, userId=user_id).user_id, "userId"
        )
        asked = reading.query(shapes.MessagesPage)
        return json_answer(self._run(self._history, me, other, asked))

    def search_messages(self) -> Response:
        user_id = self._user()
        asked = reading.query(shapes.Wanted)
        before = None if asked.cursor is UNSET else place_of_found(asked.cursor)
        wanted = asked.q.strip()
        page = self._run(self._store.search.messages, user_id, wanted, asked.limit, before)
        return json_answer(
            shapes.FoundMessages(
                messages=[_found(one) for one in page.messages],
                next=cursor_after_found(page.messages[-1]) if page.more else None,
            )
        )

    def list_users(self) -> Response:
        me = self._user()
        asked = reading.query(shapes.Beginning)
        beginning = canonical_user_id(asked.q.strip())
        known = self._run(self._sightings.companions, me, COMPANIONS)
        names = [name for name in known if name_key(name).startswith(name_key(beginning))]
        if len(names) <= asked.limit:
            names += self._run(self._store.search.names, beginning, 2 * asked.limit + 1)
        others = [name for name in dict.fromkeys(names) if name != me][: asked.limit]
        return json_answer(shapes.Users(users=[shapes.User(user_id=name) for name in others]))

    def show_document(self) -> Response:
        return json_answer(msgspec.Raw(openapi.document()))

    def _user(self) -> str:
        return self._directory.user_of(reading.bearer_token())

    def _history(self, me: str, other: str, asked: shapes.MessagesPage) -> shapes.History:
        """Blocks."""
        before, after = (None if seq is UNSET else seq for seq in (asked.before, asked.after))
        page = self._store.history(me, other, asked.limit, before, after)
        # Asked for afterwards, so that the last one is never before one that is shown.
        newest = self._store.history(me, other, 1).messages
        return shapes.History(
            messages=[_message(me, other, message) for message in page.messages],
            last_seq=newest[0].seq if newest else 0,
            more=page.more,
        )


def _conversation(user_id: str, overview: Overview) -> shapes.Conversation:
    return shapes.Conversation(
        with_user_id=overview.with_user_id,
        last_seq=overview.last_seq,
        received=overview.received,
        read=overview.read,
        their_received=overview.their_received,
        their_read=overview.their_read,
        unread=overview.unread,
        last_message=_message(user_id, overview.with_user_id, overview.last_message),
    )


def _found(found: Found) -> shapes.FoundMessage:
    return shapes.FoundMessage(
        with_user_id=found.with_user_id,
        seq=found.message.seq,
        from_user_id=found.message.sender_id,
        message=found.message.body,
        timestamp=iso(found.message.sent_at),
    )


def _message(one: str, other: str, message: Message) -> shapes.StoredMessage:
    return shapes.StoredMessage(
        seq=message.seq,
        from_user_id=message.sender_id,
        to_user_id=other if message.sender_id == one else one,
        message=message.body,
        timestamp=iso(message.sent_at),
        client_id=UNSET if message.client_id is None else message.client_id,
    )


# Answers.


def _refuse(error: HTTPException) -> ResponseReturnValue:
    """Werkzeug's and Flask's own errors: ours below /api, as they are everywhere else."""
    if not _is_ours() or error.code is None:
        return error
    known = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge, 500: Internal}
    response = failure(known.get(error.code, BadRequest)(), error.code)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _break(error: Exception) -> Response:
    log.error("%s %r failed", request.method, request.path, exc_info=error)
    return failure(Internal())


def _keep_out_of_caches(response: Response) -> Response:
    if _is_ours():
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_ours() -> bool:
    return request.path.startswith(f"{PREFIX}/") or request.path == PREFIX
