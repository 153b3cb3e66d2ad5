"""Every way in which a request or an event can fail: one class each, with a code, a status and a sentence.

Where an error is caught and turned into an answer stands elsewhere: `events.py` for events on a
socket, `transport/websocket.py` for refused upgrades. docs/protocol.md lists every code.
"""

from __future__ import annotations


class ChatError(Exception):
    """Something that the other side asked for and does not get.

    Attributes:
        code: the machine-readable name of the fault; part of the wire, never translated.
        status: the HTTP status for the same fault on a plain request.
        message: one English sentence for people; never holds a chat message's text.
        field: the camelCase name of the field at fault, or None where the whole is.
        retry_after: in how many seconds trying again makes sense; None where nobody knows.
    """

    code = "internal"
    status = 500
    sentence = "Something went wrong on the server. It has been logged."
    retry_after: int | None = None

    def __init__(self, message: str | None = None, field: str | None = None) -> None:
        self.message = message or self.sentence
        self.field = field
        super().__init__(self.message)


class Internal(ChatError):
    """A handler raised something that is not a ChatError; the traceback is in the log."""


# What a client wrote is not an event.


class BadJson(ChatError):
    """The text is not one JSON object."""

    code, status = "bad_json", 400


class NotText(ChatError):
    """A binary frame: events travel as text."""

    code, status = "not_text", 400
    sentence = "Binary messages are not read here. Send the event as JSON text."


class UnknownEvent(ChatError):
    """`type` names no event that a client may send."""

    code, status = "unknown_event", 400


class MissingField(ChatError):
    """A field that the event needs is not there."""

    code, status = "missing_field", 400


class UnknownField(ChatError):
    """A field that the event does not have: most often a misspelt optional one."""

    code, status = "unknown_field", 400


class InvalidField(ChatError):
    """A field has the wrong type or breaks its rule."""

    code, status = "invalid_field", 400


# The event is well formed, but not for this client.


class NotInitialised(ChatError):
    """The socket has not said who it is."""

    code, status = "not_initialised", 401
    sentence = 'Send {"type": "init", "userId": "..."} first.'


class Forbidden(ChatError):
    """The socket's user, or the token of a request, may not do this."""

    code, status = "forbidden", 403
    sentence = "You may not do this."


class SignInNeeded(ChatError):
    """The name has a password, or this server asks everybody for one; the socket is closed with 4501."""

    code, status = "sign_in_needed", 401
    sentence = "This name is protected by a password. Sign in, and send the token with init."


class WrongPassword(ChatError):
    """Name and password do not go together; whether there is such a name is not said."""

    code, status = "wrong_password", 401
    sentence = "Name and password do not go together."


class SignUpClosed(ChatError):
    """People cannot make accounts here by themselves (CHAT_SIGNUP=closed)."""

    code, status = "sign_up_closed", 403
    sentence = "Accounts are made by whoever runs this server. Ask them for one."


class NameTaken(ChatError):
    """Somebody has given this name a password already, or it was shut."""

    code, status = "name_taken", 409
    sentence = "This name is taken. Choose another one."


class UnknownUser(ChatError):
    """There is no such user (CHAT_AUTH=required)."""

    code, status = "unknown_user", 404


class RateLimited(ChatError):
    """Too much in too short a time; its `retry_after` is always known."""

    code, status = "rate_limited", 429
    sentence = "This was too much in too short a time. Wait a moment."

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


# The event is well formed and allowed, but cannot be done, now or ever.


class Busy(ChatError):
    """More waits to be stored than the journal takes in. Trying again in a moment helps."""

    code, status = "busy", 503
    sentence = "The server has more to store than it can take in. Try again in a moment."


class Unavailable(ChatError):
    """A commit failed: nothing was stored, nothing was delivered. Trying again may help."""

    code, status = "unavailable", 503
    sentence = "The message could not be stored, and was not sent. Try again in a moment."


class Conflicting(ChatError):
    """The clientId or the Idempotency-Key was used before, for something else."""

    code, status = "conflict", 409
    sentence = "This clientId was used before, for another text."


# The socket is refused before it is one.


class BadHandshake(ChatError):
    """The request's WebSocket headers are missing or wrong (RFC 6455, section 4.2.1)."""

    code, status = "bad_handshake", 400


class UpgradeRequired(ChatError):
    """A plain request, or another WebSocket version, where only version 13 is spoken."""

    code, status = "upgrade_required", 426


class OriginRefused(ChatError):
    """A page of another site tries to open a socket here."""

    code, status = "origin_refused", 403


class TooManySockets(ChatError):
    """This worker holds as many sockets as it may."""

    code, status = "too_many_sockets", 503


class Stopping(ChatError):
    """This worker is on its way out; the next one answers in a moment."""

    code, status = "stopping", 503
    sentence = "The server is restarting. Try again in a moment."


# A plain HTTP request is refused.


class NotSignedIn(ChatError):
    """The token is missing, forged, meant for another server, or out of date."""

    code, status = "not_signed_in", 401
    sentence = "Sign in first: POST /api/session gives a token for Authorization: Bearer."


class NotFound(ChatError):
    """Nothing is served under this path, or there is no such notification or batch."""

    code, status = "not_found", 404
    sentence = "Nothing is served here. GET /api/openapi.json lists what there is."


class MethodNotAllowed(ChatError):
    """The path is served, but not with this method; the header Allow names those it takes."""

    code, status = "method_not_allowed", 405
    sentence = "This path does not take this method."


class SlowBody(ChatError):
    """The request's body did not come in time."""

    code, status = "slow_body", 408
    sentence = "The request's body took too long to come."


class TooLarge(ChatError):
    """The request's body is longer than any of ours needs to be."""

    code, status = "too_large", 413
    sentence = "The request's body is too large."


class NotJson(ChatError):
    """The body is of another kind than JSON; a form of another site could send it."""

    code, status = "not_json", 415
    sentence = "The body must be JSON, and the header Content-Type say application/json."


class BadRequest(ChatError):
    """What the HTTP layer itself refuses, such as a body that breaks off; the status may be another 4xx."""

    code, status = "bad_request", 400
    sentence = "This is not a proper HTTP request."


# The server itself is set up wrongly.


class BadSetting(ChatError):
    """A CHAT_* variable has a value that cannot be used; the server does not start."""

    code = "bad_setting"


class WrongTables(ChatError):
    """The database has not the tables that this program needs; the server does not start."""

    code = "wrong_tables"


class NotUnderGevent(ChatError):
    """The process was not monkey-patched, so that one blocking call would stop every socket."""

    code, status = "not_under_gevent", 503
    sentence = "Sockets need gevent: call gevent.monkey.patch_all() before any other import, as app.py does."
