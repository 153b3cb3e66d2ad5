"""Owns the operations on one's own sessions: list them, end one by one."""

from typing import Annotated

from flask import request
from msgspec import UNSET, Meta, UnsetType

from chat.errors import NotFound
from chat.people.tokens import Admission
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.web.operations import Operation
from chat.web.shapes import Answer, Moment, Request

SessionId = Annotated[str, Meta(max_length=64, description="The `jti` of its token.", examples=["b1pYxWmDq3Tz8vKc"])]


class OpenSession(Answer):
    """A session that somebody signed in to here, and that counts. `current`: of the token that asks."""

    session_id: SessionId
    created_at: Moment
    expires_at: Moment
    current: bool | UnsetType = UNSET


class OpenSessions(Answer):
    """One's sessions, the newest first; at most 100. Those of a host application's tokens are not among them."""

    sessions: list[OpenSession]


@Operation(
    "GET",
    "/sessions",
    "Your sessions that count.",
    example="""{"sessions": [
      {
        "sessionId": "b1pYxWmDq3Tz8vKc", "createdAt": "2026-01-31T09:30:00.000Z",
        "expiresAt": "2026-02-07T09:30:00.000Z", "current": true
      }
    ]}""",
)
def list_sessions(chat: ChatServer, user_id: str, admission: Admission) -> OpenSessions:
    found = chat.storage.in_thread(chat.storage.sessions.of, user_id, admission.generation)
    return OpenSessions(
        sessions=[
            OpenSession(
                session_id=one.id,
                created_at=iso(one.created_at),
                expires_at=iso(one.expires_at),
                current=one.id == admission.session or UNSET,
            )
            for one in found
        ]
    )


class OfSession(Request):
    """Which session."""

    session_id: SessionId


@Operation(
    "DELETE",
    "/sessions/<sessionId>",
    "End one of your sessions: its token counts no more, and its sockets close.",
    errors=(NotFound(field="sessionId", rule="session"),),
)
def end_session(chat: ChatServer, user_id: str, admission: Admission, path: OfSession) -> None:
    found = chat.storage.in_thread(chat.storage.sessions.of, user_id, admission.generation)
    session = next((one for one in found if one.id == path.session_id), None)
    if session is None:
        raise NotFound(field="sessionId", rule="session")
    chat.storage.write(chat.storage.sessions.end, session.id, user_id, session.expires_at / 1000)
    chat.log.info("sign-out user=%r address=%s", user_id, request.remote_addr)
    chat.directory.keep_up()
