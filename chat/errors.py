"""Owns every way in which a request or an event can fail: one class each, with a code, a status and a sentence.

Catching an error and turning it into an answer is left to others. docs/protocol.md lists every code.
"""

from chat.rules import Param, sentence


class ChatError(Exception):
    """Something that the other side asked for and does not get.

    Attributes:
        code: the machine-readable name of the fault; part of the wire, never translated.
        status: the HTTP status for the same fault on a plain request.
        message: one English sentence for people; never holds a chat message's text.
        field: the camelCase name of the field at fault; None: the whole is.
        rule: which rule of chat/rules.py is broken, and its params; None: the code says it all.
        retry_after: in how many seconds trying again makes sense; None: nobody knows.
    """

    code = "internal"
    status = 500
    sentence = "Something went wrong on the server. It has been logged."
    retry_after: int | None = None

    def __init_subclass__(cls, code: str | None = None, status: int | None = None, sentence: str | None = None) -> None:
        cls.code, cls.status, cls.sentence = code or cls.code, status or cls.status, sentence or cls.sentence

    def __init__(
        self, message: str | None = None, field: str | None = None, rule: str | None = None, **params: Param
    ) -> None:
        """With a `rule` the sentence is that rule's."""
        self.message = sentence(rule, field, params) if rule else message or self.sentence
        self.field, self.rule, self.params = field, rule, params
        super().__init__(self.message)


class Internal(ChatError):
    """The server has a bug, and has logged it."""


# What a client wrote is not an event.


class BadJson(ChatError, code="bad_json", status=400, sentence="This is not one JSON object."):
    """The text is not one JSON object."""


class NotText(ChatError, code="not_text", status=400):
    """A binary frame: events travel as text."""

    sentence = "Binary messages are not read here. Send the event as JSON text."


class UnknownEvent(ChatError, code="unknown_event", status=400, sentence="There is no event of this type."):
    """`type` names no event that a client may send."""


class MissingField(ChatError, code="missing_field", status=400, sentence="A field is missing."):
    """A field that is needed is not there."""


class UnknownField(ChatError, code="unknown_field", status=400, sentence="There is no such field here."):
    """A field that does not belong here: most often a misspelt optional one."""


class InvalidField(ChatError, code="invalid_field", status=400, sentence="A field breaks its rule."):
    """A field has the wrong type or breaks its rule."""


# The event is well formed, but not for this client.


class NotInitialised(ChatError, code="not_initialised", status=401):
    """The socket has not said who it is."""

    sentence = 'Send {"type": "init", "userId": "..."} first.'


class Forbidden(ChatError, code="forbidden", status=403, sentence="You may not do this."):
    """The socket's user, or the token of a request, may not do this."""


class Blocked(ChatError, code="blocked", status=403):
    """One of the two has blocked the other; nothing was stored."""

    sentence = "This user does not take your messages."


class SignInNeeded(ChatError, code="sign_in_needed", status=401):
    """The name has a password, or this server asks everybody for one; the socket is closed with 4501."""

    sentence = "This name is protected. Sign in with its password."


class WrongPassword(ChatError, code="wrong_password", status=401, sentence="Name and password do not go together."):
    """Name and password do not go together; whether there is such a name is not said."""


class SignUpClosed(ChatError, code="sign_up_closed", status=403):
    """People cannot make accounts here by themselves (CHAT_SIGNUP=closed)."""

    sentence = "Accounts are made by whoever runs this server, with flask chat add-user. Ask them for one."


class NameTaken(ChatError, code="name_taken", status=409, sentence="This name is taken. Choose another one."):
    """The name has a password already, was shut, was used before, or is held by an older session."""


class UnknownUser(ChatError, code="unknown_user", status=404, sentence="There is no such user here."):
    """There is no such user (CHAT_AUTH=required)."""


class RateLimited(ChatError, code="rate_limited", status=429):
    """Too much in too short a time; when to try again is always known."""

    sentence = "This was too much in too short a time. Wait a moment."

    def __init__(self, retry_after: int, rule: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(rule=rule)


# The event is well formed and allowed, but cannot be done, now or ever.


class Busy(ChatError, code="busy", status=503):
    """More waits to be stored than the server takes in. Trying again in a moment helps."""

    sentence = "The server has more to store than it can take in. Try again in a moment."


class Unavailable(ChatError, code="unavailable", status=503):
    """The database failed: what was asked is perhaps done, more likely not. Trying again makes it certain."""

    sentence = "The message could not be stored just now. Send it again in a moment."


# The next four are told to the operator, by /api/health.


class DiskFull(Unavailable, code="disk_full", sentence="the disk is full. Make room where the database lies."):
    """The disk with the database is full."""


class DatabaseReadOnly(Unavailable, code="database_read_only"):
    """The database may be read, and not be written."""

    sentence = "it may only be read. Give its file and its folder to the server's user, or let PostgreSQL's be written."


class DatabaseLocked(Unavailable, code="database_locked", sentence="another process holds its lock. End that one."):
    """Another process keeps the database from being written."""


class DatabaseReplaced(Unavailable, code="database_replaced"):
    """The database's file is no longer the one that the server opened."""

    sentence = "its file was deleted, moved or replaced. Put it back, or restart the server."


class Conflicting(ChatError, code="conflict", status=409, sentence="This clientId was used before, for another text."):
    """It does not fit what there is: a clientId or an Idempotency-Key was used before, for something else."""


# The socket is refused before it is one.


class BadHandshake(ChatError, code="bad_handshake", status=400, sentence="This is no proper WebSocket handshake."):
    """The request's WebSocket headers are missing or wrong (RFC 6455, section 4.2.1)."""


class UpgradeRequired(ChatError, code="upgrade_required", status=426, sentence="Only WebSocket 13 is spoken here."):
    """A plain request, or another WebSocket version, where only version 13 is spoken."""


class OriginRefused(ChatError, code="origin_refused", status=403, sentence="Another site's page may not do this."):
    """A page of another site tries to open a socket here."""


class WrongHost(ChatError, code="wrong_host", status=421, sentence="This chat is not served under this host."):
    """The request's Host is none of CHAT_HOSTS."""


class TooManySockets(ChatError, code="too_many_sockets", status=503):
    """The server holds as many sockets as it may."""

    sentence = "There are as many sockets as may be. Try again in a moment."


class Stopping(ChatError, code="stopping", status=503, sentence="The server is restarting. Try again in a moment."):
    """The server restarts, and answers again in a moment."""


# A plain HTTP request is refused.


class NotSignedIn(ChatError, code="not_signed_in", status=401):
    """The token is missing, forged, meant for another server, or out of date."""

    sentence = "Sign in first: POST /api/session gives a token for Authorization: Bearer."


# What ends a socket that was let in: each goes before the close 4501.


class TokenExpired(ChatError, code="token_expired", status=401):
    """The socket's token is out of date, and no `init` with a fresh one came before."""

    sentence = "Your token is out of date. Sign in again."


class SignedOut(ChatError, code="signed_out", status=401, sentence="You signed out. Sign in again."):
    """The socket's session was ended: here, or from another place."""


class PasswordChanged(ChatError, code="password_changed", status=401):
    """The account has another password now, so that all older tokens are void."""

    sentence = "The password was changed. Sign in with the new one."


class NameProtected(ChatError, code="name_protected", status=401):
    """The name was free, and has an owner now: it was given a password, or is a site's."""

    sentence = "This name is protected now. Sign in with its password."


class Disabled(ChatError, code="disabled", status=401):
    """Whoever runs this server has disabled the account."""

    sentence = "This account was disabled by whoever runs this server."


class NotFound(ChatError, code="not_found", status=404):
    """There is no such thing here."""

    sentence = "Nothing is served here. GET /api/openapi.json lists what there is."


class MethodNotAllowed(ChatError, code="method_not_allowed", status=405):
    """The path is served, but not with this method; the header Allow names those it takes."""

    sentence = "This path does not take this method."


class SlowBody(ChatError, code="slow_body", status=408, sentence="The request's body took too long to come."):
    """The request's body did not come in time."""


class TooLarge(ChatError, code="too_large", status=413, sentence="The request's body is too large."):
    """The request's body is longer than is taken here."""


class NotJson(ChatError, code="not_json", status=415):
    """The body is of another kind than JSON; a form of another site could send it."""

    sentence = "The body must be JSON, and the header Content-Type say application/json."


class BadRequest(ChatError, code="bad_request", status=400, sentence="This is not a proper HTTP request."):
    """What is no proper HTTP request, such as a body that breaks off; the status may be another 4xx."""


class PicturesOff(ChatError, code="pictures_off", status=501):
    """Pictures cannot be uploaded here: Pillow is not installed."""

    sentence = 'This server takes no pictures. Whoever runs it can: pip install "flask-chat-server[avatars]".'


# The server itself is set up wrongly.


class BadSetting(ChatError, code="bad_setting"):
    """A CHAT_* variable has a value that cannot be used; the server does not start."""


class WrongTables(ChatError, code="wrong_tables"):
    """The database has not the tables that this program needs; the server does not start."""


class DatabaseInUse(ChatError, code="database_in_use"):
    """Another server serves the database; this one does not start."""


class NotUnderGevent(ChatError, code="not_under_gevent", status=503):
    """The process was not monkey-patched, so that one blocking call would stop every socket."""

    sentence = "Sockets need gevent: serve with flask chat run, or with gunicorn -k gevent."
