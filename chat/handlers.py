"""Owns what this chat does on each event that a client may send, in a few lines each."""

from functools import partial

from chat import login
from chat.client import Client
from chat.errors import Forbidden
from chat.limits import MESSAGE_OVERHEAD_BYTES, stored_size
from chat.people.online import Asker
from chat.protocol.changes import BlockUser, Read, Received
from chat.protocol.conversation_ids import conversation_and_keys, other_user
from chat.protocol.notices import Dismiss, See
from chat.protocol.structs import Chat, Init, Payload, Pong, Typing, TypingHint, timestamp
from chat.router import LATER, Answer, events
from chat.server import ChatServer
from chat.storage.records import Pointer, Send


@events.on("init", Init, before_init=True)
def init(client: Client, event: Init) -> Answer:
    """The socket says who it is."""
    return login.enter(client, event)


events.tell_again = login.tell_again


@events.on("chat", Chat)
def chat(client: Client, event: Chat) -> Answer:
    """A message: stored, then delivered, then acknowledged."""
    server, sender = client.chat, client.user_id
    own = event.from_user_id
    if own is not None and own != sender and server.user_key(own) != server.user_key(sender):
        raise Forbidden(field="fromUserId", rule="not_your_name")
    send(server, sender, event, client)
    return LATER


def send(server: ChatServer, sender: str, event: Chat, asker: Asker) -> None:
    """Send a message of `sender`. `asker` is answered when it is stored; it is not sent what it sent."""
    other = other_user(sender, event.to_user_id, event.conversation_id, server.names)
    receiver = server.directory.name_of(other, address=asker.address)
    server.blocking.check(sender, receiver)
    size = stored_size(event.message)
    server.limits.spend_message(sender, asker.address, size)
    server.strangers.check(sender, receiver, size)
    server.strangers.wrote(sender, receiver)
    server.sending.send(asker, Send(sender, receiver, event.message, event.client_id, event.kind), event.ref)


@events.on("received", Received)
def received(client: Client, event: Received) -> Answer:
    """The client has what was written up to there."""
    return _move(client, event, read=0)


@events.on("read", Read)
def read(client: Client, event: Read) -> Answer:
    """Somebody has seen it."""
    return _move(client, event, read=event.seq)


def _move(client: Client, event: Received, read: int) -> Answer:
    other = other_user(client.user_id, event.with_user_id, event.conversation_id, client.chat.names)
    other = client.chat.directory.name_of(other, "withUserId", client.address)
    pointer = Pointer(client.user_id, other, event.seq, read)
    client.chat.receipts.move(pointer, client, partial(client.answer, event.ref), client.address)
    return LATER


@events.on("typing", Typing)
def typing(client: Client, event: Typing) -> None:
    """The sender is writing to somebody just now; not stored."""
    server, sender = client.chat, client.user_id
    other = other_user(sender, event.to_user_id, event.conversation_id, server.names)
    receiver = server.directory.name_of(other, address=client.address)
    if not server.blocking.are_apart(sender, receiver):
        server.strangers.check(sender, receiver, MESSAGE_OVERHEAD_BYTES)
        conversation, keys = conversation_and_keys(sender, receiver, server.user_key)
        hint = TypingHint(from_user_id=sender, conversation_id=conversation, keys=keys)
        server.online.emit(hint, to=receiver, skip=client)


@events.on("block", BlockUser)
def block(client: Client, event: BlockUser) -> None:
    """Nothing passes between the two any more."""
    other = client.chat.directory.name_of(event.user_id, "userId", client.address)
    client.chat.blocking.block(client.user_id, other, skip=client)


@events.on("unblock", BlockUser)
def unblock(client: Client, event: BlockUser) -> None:
    """It passes again."""
    other = client.chat.directory.name_of(event.user_id, "userId", client.address)
    client.chat.blocking.unblock(client.user_id, other, skip=client)


@events.on("dismiss", Dismiss)
def dismiss(client: Client, event: Dismiss) -> Answer:
    """The user has done with a notification, or all up to one, on all screens."""
    if event.up_to is not None:
        client.chat.notifier.dismiss_up_to(client.user_id, event.up_to, client, partial(client.answer, event.ref))
        return LATER
    if event.notification_id is not None:
        client.chat.notifier.dismiss(client.user_id, event.notification_id, skip=client)
    return None


@events.on("seen", See)
def seen(client: Client, event: See) -> Answer:
    """The user has seen a notification, or all up to one. Those that are not theirs stay as they are."""
    answer, notifier = partial(client.answer, event.ref), client.chat.notifier
    if event.notification_id is not None:
        notifier.see(client.user_id, [event.notification_id], skip=client, then=answer)
    if event.up_to is not None:
        notifier.see_up_to(client.user_id, event.up_to, skip=client, then=answer)
    return LATER


@events.on("away")
def away(client: Client, event: Payload) -> None:
    """Nobody looks at this socket's page just now."""
    _set_away(client, True)


@events.on("back")
def back(client: Client, event: Payload) -> None:
    """Somebody looks at it again."""
    _set_away(client, False)


def _set_away(client: Client, is_away: bool) -> None:
    client.is_away = is_away
    client.chat.presence.changed(client.user_id)


@events.on("ping", before_init=True)
def ping(client: Client, event: Payload) -> None:
    """For browsers, which cannot send ping frames."""
    client.emit(Pong(timestamp=timestamp()))
