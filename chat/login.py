"""Owns the work of `init`: a socket becomes its user's, is told how things stand, and gets what it missed."""

from typing import NamedTuple

from chat.client import Client
from chat.errors import ChatError, NotSignedIn, RateLimited, SignInNeeded
from chat.limits import (
    INIT_CONVERSATIONS,
    READY_CONVERSATIONS,
    READY_PROFILES,
    TOO_MANY_RETRY_SECONDS,
    UNKNOWN_ADDRESS,
    origin_of,
)
from chat.messages.backlog import ProvenBacklog
from chat.messages.standings import standing_of
from chat.notifications.feed import PAGE
from chat.people.blocking import Apart
from chat.protocol.conversation_settings import ConversationSettings
from chat.protocol.names import keys_of
from chat.protocol.profiles import Profile
from chat.protocol.structs import FEATURES, PROTOCOL_VERSION, SIGN_IN, TOO_MANY, TOO_MUCH, Init, Ready, iso, timestamp
from chat.resources import VERSION
from chat.router import LATER, Answer
from chat.server import ChatServer
from chat.storage.notifications import Notice
from chat.storage.records import ConversationState
from chat.transport.connections import OPEN


def enter(client: Client, event: Init) -> Answer:
    """Make a socket its user's. A second init, as another user, moves it. Blocks."""
    inits = client.chat.metrics.inits
    try:
        answer = _enter(client, event)
    except ChatError as error:
        inits.add(error.code)
        raise
    if answer is None:
        inits.add("ready")
    return answer


def _enter(client: Client, event: Init) -> Answer:
    """Do it.

    Live messages are held from before the look at the database, so that none falls between the two.
    """
    chat = client.chat
    try:
        user_id, client.admission = chat.directory.admit(event.user_id, event.token)
    except (NotSignedIn, SignInNeeded) as error:
        return _refuse(client, event, error, SIGN_IN, "sign in first")
    if client.state is not OPEN:  # gone meanwhile, so nobody would take it out of the dict again
        return LATER
    if client.admission is not None:
        chat.guesses.note_owner(origin_of(client.address), chat.user_key(user_id))
    before = client.owner
    if too_many := _too_many(client, user_id):
        code = TOO_MANY if too_many.rule == "sockets_of_user" else TOO_MUCH
        return _refuse(client, event, too_many, code, "too many sockets or inits")
    if before != user_id:
        # Said again and again, it would fill the log.
        chat.log.info("init user=%r address=%s", user_id, client.address)
    is_new = before != user_id or client.wants_sync != event.sync  # else it goes on where it is
    if is_new:
        _hold(client, user_id, event.sync)
    chat.online.add(user_id, client)
    # It came in time, however long the database takes; what ends it now is its token.
    client.deadline = None if client.admission is None else client.admission.deadline
    if before not in (None, user_id):
        chat.presence.left(str(before))
    try:
        if relay := chat.online.relay:
            relay.wait_ready(user_id)  # what another worker stores from now on comes here
        found = _look(chat, user_id, event.sync)
        if relay:
            _begin(chat, user_id, found)
        apart = chat.blocking.apart_from(user_id)
    except ChatError as error:  # not to be in the dict with nobody to catch it up: it says init again
        chat.online.remove(client)
        client.drop_backlogs()
        client.expect_init()
        chat.presence.left(user_id)
        if isinstance(error, RateLimited):
            return _refuse(client, event, error, TOO_MUCH, "too many inits")
        raise
    client.emit(_ready(client, user_id, found, apart))
    chat.presence.came(user_id, (state.with_user_id for state in found.states))
    if is_new:
        _start_feed(client, found.waiting)
        _start_missed(client, found.states)
    return None


def tell_again(client: Client) -> None:
    """Tell a socket how things stand, as `init` did: something may not have come. Blocks. Raises Unavailable."""
    chat, user_id = client.chat, client.user_id
    found = chat.storage.in_thread(_read, chat, user_id, client.wants_sync)
    apart = chat.blocking.apart_from(user_id)
    if client.owner != user_id:  # gone meanwhile
        return
    unproven = client.feed.unproven if isinstance(client.feed, ProvenBacklog) else {}
    if client.feed is not None:
        client.feed.is_over = True
    feed = client.feed = chat.feeds.feed(client, user_id)
    if isinstance(feed, ProvenBacklog):
        for id_ in unproven:  # were sent, and a pong may prove it yet
            feed.note_again(id_, id_)
    if client.wants_sync:
        client.emit(_ready(client, user_id, found, apart))
    _start_feed(client, [notice for notice in found.waiting if notice.id not in unproven])


def _begin(chat: ChatServer, user_id: str, found: "_Found") -> None:
    """Have what other workers store passed on behind what was found, and ask them how people are."""
    is_complete = len(found.states) <= READY_CONVERSATIONS
    chat.online.relay.gate.begin(user_id, {state.with_user_id: state.last_seq for state in found.states}, is_complete)
    chat.presence.look_up([user_id, *(state.with_user_id for state in found.states)])


def _too_many(client: Client, user_id: str) -> RateLimited | None:
    limits = client.chat.limits
    if client.owner != user_id and len(client.chat.online.of(user_id)) >= limits.sockets_per_user:
        return RateLimited(TOO_MANY_RETRY_SECONDS, "sockets_of_user")
    seconds = limits.inits.wait(user_id)
    if not seconds and client.owner is not None and client.address != UNKNOWN_ADDRESS:
        # The first one of a socket was counted with its upgrade.
        seconds = limits.upgrades.take(origin_of(client.address))
    return RateLimited(seconds, "inits") if seconds else None


def _refuse(client: Client, event: Init, error: ChatError, code: int, reason: str) -> Answer:
    client.chat.metrics.inits.add(error.code)
    client.answer(event.ref, error)
    client.close(code, reason)
    return LATER


def _hold(client: Client, user_id: str, wants_sync: bool) -> None:
    """Hold what is live from now on."""
    client.drop_backlogs()
    client.wants_sync = wants_sync
    client.feed = client.chat.feeds.feed(client, user_id)
    if not wants_sync:
        client.missed = client.chat.missed.backlog(client, user_id)


class _Found(NamedTuple):
    """How things stand for a user."""

    states: list[ConversationState]
    waiting: list[Notice]  # the first of them
    unseen: int
    change: int  # the newest of notifications
    settings: list[ConversationSettings]
    profiles: dict[str, Profile]  # of the first
    apart: Apart


def _look(chat: ChatServer, user_id: str, wants_sync: bool = False) -> _Found:
    """Look how things stand, a few users at a time. Raises RateLimited: this user asks too often; or Unavailable."""
    inits = chat.limits.inits
    with chat.logins.turn(user_id):
        if seconds := inits.take(user_id):
            raise RateLimited(seconds, "inits")
        writes = chat.blocking.writes
        found = chat.storage.read_together(_read, chat, user_id, wants_sync)
        chat.blocking.learn(user_id, found.apart, writes)
        inits.spend(user_id, len(found.states) // INIT_CONVERSATIONS)
        return found


def _read(chat: ChatServer, user_id: str, wants_sync: bool) -> _Found:
    states = chat.storage.messages.standings(user_id, READY_CONVERSATIONS + 1)
    change = chat.storage.notification_changes.newest(user_id)  # first: what changes now is told of twice, or once
    settings = chat.storage.settings.of(user_id) if wants_sync else []
    profiles = chat.storage.profiles.of(_first(user_id, states)) if wants_sync else {}
    unseen = chat.storage.notifications.unseen(user_id, PAGE, newest=wants_sync)
    return _Found(states, *unseen, change, settings, profiles, chat.storage.blocks.of(user_id))


def _first(user_id: str, states: list[ConversationState]) -> list[str]:
    """Return whose profiles `ready` tells. Of others a client asks."""
    return [user_id, *(state.with_user_id for state in states[:READY_PROFILES])]


def _ready(client: Client, user_id: str, found: _Found, apart: frozenset[str]) -> Ready:
    chat, admission = client.chat, client.admission
    shown = found.states[:READY_CONVERSATIONS]
    blocked = chat.blocking.blocked_by(user_id)
    return Ready(
        v=PROTOCOL_VERSION,
        features=FEATURES,
        epoch=chat.storage.epoch,
        server=f"flask-chat-server/{VERSION}",
        timestamp=timestamp(),
        user_id=user_id,
        heartbeat=chat.settings.heartbeat_seconds,
        limits=chat.told_limits,
        conversations=[standing_of(user_id, state, chat.presence, apart) for state in shown],
        more=len(found.states) > len(shown) or None,
        unseen=found.unseen or None,
        notification_change=found.change or None,
        expires_at=None if admission is None else iso(int(admission.expires_at * 1000)),
        blocked=blocked or None,
        settings=found.settings or None,
        profiles=chat.profiles.shown_to(user_id, _first(user_id, shown), found.profiles) or None
        if client.wants_sync
        else None,
        keys=keys_of(
            [user_id, *blocked, *(s.with_user_id for s in shown), *(s.with_user_id for s in found.settings)],
            chat.user_key,
        ),
    )


def _start_feed(client: Client, waiting: list[Notice]) -> None:
    feed = client.feed  # None: gone meanwhile
    if feed is not None and feed.start(client.chat.feeds.older(feed, waiting) if waiting else None):
        client.feed = None  # most sockets need none, and many are held


def _start_missed(client: Client, states: list[ConversationState]) -> None:
    if missed := client.missed:  # else it asks for itself, or is gone meanwhile
        may_be_behind = len(states) > READY_CONVERSATIONS or any(state.received < state.last_seq for state in states)
        known = {state.with_user_id: state.last_seq for state in states} if may_be_behind else {}
        missed.start(client.chat.missed.older(missed, known) if may_be_behind else None)
