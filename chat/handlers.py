"""What this chat does on each event that a client may send.

The wire's words stand in `protocol.py`; how an event comes here, and what becomes of an error, in
`events.py`; how a message is stored before it is delivered, in `storage/journal.py`.
"""

from __future__ import annotations

import logging
from typing import Any

from msgspec import UNSET

from chat import metrics
from chat.errors import (
    ChatError,
    Conflicting,
    Forbidden,
    NotSignedIn,
    RateLimited,
    SignInNeeded,
)
from chat.limits import TOO_MANY_RETRY_SECONDS
from chat.messages.missed import Catchup
from chat.messages.receipts import tell
from chat.notifications.feed import SocketLine
from chat.notifications.notifier import notifier
from chat.notifications.webhook import webhook
from chat.people.directory import directory
from chat.people.online import emit, encoded, sockets
from chat.people.presence import presence
from chat.protocol.names import USER_ID_CHARS, name_key
from chat.protocol.structs import (
    SIGN_IN,
    TOO_MUCH,
    Chat,
    ChatAck,
    ChatMessage,
    Dismiss,
    Init,
    Payload,
    Pong,
    Read,
    Ready,
    Received,
    Ref,
    See,
    Standing,
    Typing,
    TypingHint,
    iso,
    timestamp,
)
from chat.router import LATER, Answer, Client, events
from chat.storage import records, storage
from chat.storage.notifications import Notice
from chat.storage.records import Conflict, Pointer, Send, Stored
from chat.transport.outbox import OPEN

log = logging.getLogger("chat")

READY_NOTIFICATIONS = 50  # sent behind `ready`; the HTTP interface lists the others
READY_CONVERSATIONS = 1_000  # told of in `ready`; more would make a frame of over 100 KB


@events.on("init", Init, before_init=True)
def init(client: Client, event: Init) -> Answer:
    """The socket says who it is. A second init, as another user, moves it.

    From here on it gets what is sent to the user, so that between the look at the database and the
    first live message there is no gap.
    """
    try:
        user_id, client.admission = directory.admit(event.user_id, event.token)
    except (NotSignedIn, SignInNeeded) as error:
        client.answer(event.ref, error)
        client.close(SIGN_IN, "sign in first")
        return LATER
    if client.state is not OPEN:  # gone meanwhile, so nobody would take it out of the dict again
        return LATER
    if client.owner != user_id and _has_all_sockets(client, user_id):
        client.answer(
            event.ref, RateLimited(TOO_MANY_RETRY_SECONDS, "You have too many sockets open.")
        )
        client.close(TOO_MUCH, "too many sockets of one user")
        return LATER
    if client.owner != user_id:  # said again and again, it would fill the log
        log.info("init user=%r address=%s", user_id, client.address)
    said_before = client.owner == user_id and client.catchup is not None
    if event.sync:
        client.catchup = None
    elif not said_before:
        client.catchup = Catchup(client, user_id)
    if line := None if client.owner == user_id else SocketLine(client, user_id, notifier.see):
        client.line = line
    moved_from = client.owner
    sockets.add(user_id, client)
    # It came in time, however long the database takes; what ends it now is its token.
    client.deadline = None if client.admission is None else client.admission.deadline
    if moved_from not in (None, user_id):
        presence.left(str(moved_from))
    try:
        standings, waiting, unseen = storage.read(_what_waits, user_id)
    except ChatError:  # not to be in the dict with nobody to catch it up: it says init again
        sockets.remove(client)
        client.catchup = client.line = None
        client.expect_init()
        presence.left(user_id)
        raise
    client.emit(
        Ready(
            user_id=user_id,
            heartbeat=client.settings.heartbeat_seconds,
            limits={"frameBytes": client.settings.max_message_bytes, "userIdChars": USER_ID_CHARS},
            conversations=[_standing(row) for row in standings[:READY_CONVERSATIONS]],
            more=len(standings) > READY_CONVERSATIONS or None,
            unseen=unseen or None,
        )
    )
    presence.came(user_id, (row.with_user_id for row in standings))
    if line is not None and client.line is line:
        line.begin(waiting, lambda last: _waiting_after(user_id, last))
    if client.catchup is not None and not said_before:
        missed = any(row.received < row.last_seq for row in standings)
        client.catchup.begin(
            missed or len(standings) > READY_CONVERSATIONS
        )  # not all were looked at
    return None


def _has_all_sockets(client: Client, user_id: str) -> bool:
    return len(sockets.of(user_id)) >= client.connections.limits.sockets_per_user


def _what_waits(user_id: str) -> tuple[list[records.Standing], list[Notice], int]:
    """What a socket is told of at first: conversations, notifications, and how many these are. Blocks."""
    standings = storage.store.standings(user_id, READY_CONVERSATIONS + 1)
    return standings, *storage.notifications.unseen(user_id, READY_NOTIFICATIONS)


def _waiting_after(user_id: str, last: int) -> list[Notice]:
    try:
        found: list[Notice] = storage.read(
            storage.notifications.after, user_id, last, READY_NOTIFICATIONS, True
        )
    except ChatError:  # they come at the next init
        return []
    return found


def _standing(row: records.Standing) -> Standing:
    status = presence.status_of(row.with_user_id)
    is_told = status == "offline" and row.last_seen is not None
    fields = row._asdict() | {"last_seen": iso(row.last_seen) if is_told else UNSET}
    return Standing(**fields, presence=status)


@events.on("chat", Chat)
def chat(client: Client, event: Chat) -> Answer:
    """A message: stored, then delivered, then acknowledged."""
    sender = client.user_id
    if event.from_user_id is not None and name_key(event.from_user_id) != name_key(sender):
        raise Forbidden("fromUserId must be your own name, the one of your init.", "fromUserId")
    receiver = directory.name_of(event.to_user_id)
    if seconds := client.connections.limits.messages.take(sender):
        raise RateLimited(seconds, "These were too many messages. Wait a moment.")
    send = Send(sender, receiver, event.message, event.client_id)
    storage.journal.accept(send, lambda outcome: _settle(client, event.ref, send, outcome))
    return LATER


def _settle(
    client: Client, ref: Ref | None, send: Send, outcome: Stored | Conflict | ChatError
) -> None:
    """The message is on the disk, or is not: deliver it and answer. Called in the order of `accept`."""
    if isinstance(outcome, ChatError):
        client.answer(ref, outcome)
    elif isinstance(outcome, Conflict):
        client.answer(ref, Conflicting(field="clientId"))
    else:
        sent_at = iso(outcome.sent_at)
        if outcome.repeated:  # delivered the first time, or found by who comes back
            delivered = bool(sockets.of(send.receiver_id))
        else:
            delivered = _deliver(client, send, outcome.seq, sent_at)
            if outcome.seq == 1:
                presence.introduce(send.sender_id, send.receiver_id)
        if ref is not None:
            client.emit(ChatAck(ref=ref, seq=outcome.seq, timestamp=sent_at, delivered=delivered))


def _deliver(client: Client, send: Send, seq: int, sent_at: str) -> bool:
    """To the receiver's sockets and the sender's other ones; True if the receiver's took it."""
    sender, receiver = send.sender_id, send.receiver_id
    event = ChatMessage(
        from_user_id=sender,
        to_user_id=receiver,
        message=send.body,
        timestamp=sent_at,
        seq=seq,
        client_id=send.client_id,
    )
    frame = encoded(event)
    delivered = False
    for socket in _clients(receiver):
        if socket is not client and socket.deliver(sender, seq, frame):
            delivered = True
    if sender != receiver:
        for socket in _clients(sender):
            if socket is not client:
                socket.deliver(receiver, seq, frame)
    metrics.messages.add()
    if not delivered:
        log.info("message to an offline user: from=%r to=%r", sender, receiver)
        if sender != receiver:
            webhook.tell(receiver, event)
    return delivered


def _clients(user_id: str) -> tuple[Any, ...]:
    return sockets.of(user_id)


@events.on("received", Received)
def received(client: Client, event: Received) -> Answer:
    """The client has what was written up to there."""
    return _move(client, event, read=0)


@events.on("read", Read)
def read(client: Client, event: Read) -> Answer:
    """Somebody has seen it."""
    return _move(client, event, read=event.seq)


def _move(client: Client, event: Received, read: int) -> Answer:
    def settle(moved: Pointer | ChatError | None) -> None:
        tell(moved, skip=client)
        client.answer(event.ref, moved if isinstance(moved, ChatError) else None)

    other = directory.name_of(event.with_user_id, "withUserId")
    storage.journal.accept(Pointer(client.user_id, other, event.seq, read), settle)
    return LATER


@events.on("typing", Typing)
def typing(client: Client, event: Typing) -> Answer:
    """The sender is writing to somebody just now; not stored."""
    to = directory.name_of(event.to_user_id)
    emit(TypingHint(from_user_id=client.user_id), to=to, skip=client)
    return None


@events.on("dismiss", Dismiss)
def dismiss(client: Client, event: Dismiss) -> Answer:
    """The user has done with a notification, on all screens."""
    notifier.dismiss(client.user_id, event.notification_id, skip=client)
    return None


@events.on("seen", See)
def seen(client: Client, event: See) -> Answer:
    """The user has seen a notification. One that is not theirs changes nothing."""

    def then(error: ChatError | None) -> None:
        client.answer(event.ref, error)

    notifier.see(client.user_id, [event.notification_id], client, then)
    return LATER


@events.on("away")
def away(client: Client, event: Payload) -> Answer:
    """Nobody looks at this socket's page just now."""
    return _look_away(client, True)


@events.on("back")
def back(client: Client, event: Payload) -> Answer:
    """Somebody looks at it again."""
    return _look_away(client, False)


def _look_away(client: Client, is_away: bool) -> Answer:
    client.is_away = is_away
    presence.changed(client.user_id)
    return None


@events.on("ping", before_init=True)
def ping(client: Client, event: Payload) -> Answer:
    """For browsers, which cannot send ping frames."""
    client.emit(Pong(timestamp=timestamp()))
    return None
