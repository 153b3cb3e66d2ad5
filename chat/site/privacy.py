"""Owns what data protection asks for: all that is kept of a person, given out, or erased.

How it is read and erased is left to `chat/storage/person.py`. What goes and what stays, and why, stands in docs/api.md.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import to_builtins

from chat.protocol.profiles import Profile
from chat.protocol.structs import iso
from chat.server import ChatServer
from chat.site.people import spelling_of
from chat.storage import overview
from chat.storage.records import other_of

MESSAGES = 200  # of one question
NOTICED_SECONDS = 2  # until each worker has noticed that somebody is shut out

Json = dict[str, Any]


class Erased(NamedTuple):
    """What was erased of a person, beside what there is one of."""

    messages: int
    notifications: int


def export(server: ChatServer, user_id: str | int | UUID) -> Iterator[Json]:
    """Give all that is kept of a person, object by object, as JSON has it; each has a `kind`."""
    storage, user = server.storage, spelling_of(server, user_id)
    found = storage.in_thread(overview.user, storage.database, server.user_key(user))
    if found is not None:
        yield {"kind": "account", "userId": user, "createdAt": iso(found.created_ms), "lastSeen": _time(found.seen_ms)}
    for profile in storage.in_thread(storage.profiles.of, [user]).values():
        yield {"kind": "profile", **to_builtins(profile)}
    for session in storage.in_thread(storage.person.sessions, user):
        times = {"createdAt": iso(session["created_at"]), "expiresAt": iso(session["expires_at"])}
        yield {"kind": "session", "id": session["id"], **times, "endedAt": _time(session["ended_at"])}
    for block in storage.in_thread(storage.blocks.listed, user):
        yield {"kind": "block", "userId": block.user_id, "since": iso(block.since)}
    for settings in storage.in_thread(storage.settings.of, user):
        yield {"kind": "conversation-settings", **to_builtins(settings)}
    yield from _notifications(server, user)
    yield from _conversations(server, user)


def _notifications(server: ChatServer, user: str) -> Iterator[Json]:
    storage, last = server.storage, 0
    while rows := storage.in_thread(storage.person.notifications, user, last):
        last = rows[-1]["id"]
        for row in rows:
            said = {name: row[name] for name in ("id", "message", "title", "level", "link")}
            times = {"createdAt": iso(row["created_at"]), "expiresAt": _time(row["expires_at"])}
            marks = {"seenAt": _time(row["seen_at"]), "dismissedAt": _time(row["dismissed_at"])}
            yield {"kind": "notification", **said, **times, **marks}


def _conversations(server: ChatServer, user: str) -> Iterator[Json]:
    storage, last = server.storage, 0
    while found := storage.in_thread(storage.person.conversations, user, last):
        last = found[-1].id
        for one in found:
            other = other_of(one.key, user)
            yield {"kind": "conversation", "withUserId": other, "received": one.received, "read": one.read}
            after, more = 0, True
            while more:
                page = storage.in_thread(storage.messages.history, user, other, MESSAGES, None, after)
                for message in page.messages:
                    after = message.seq
                    yield {
                        "kind": "message",
                        "withUserId": other,
                        "fromUserId": message.sender_id,
                        "seq": message.seq,
                        "timestamp": iso(message.sent_at),
                        "message": message.body,
                        "messageKind": message.kind,
                        "clientId": message.client_id,
                    }
                more = page.more


def erase(server: ChatServer, user_id: str | int | UUID) -> Erased:
    """Erase what is kept of a person, and shut the name out. Blocks, for seconds where there is much.

    Called again after it broke off, it goes on.
    """
    storage, user = server.storage, spelling_of(server, user_id)
    storage.write(storage.accounts.disable, user)
    if not server.is_testing:  # what is under way elsewhere is stored before it is looked for
        server.directory.keep_up()
        time.sleep(NOTICED_SECONDS)
    for block in storage.in_thread(storage.blocks.listed, user):
        storage.write(storage.blocks.remove, user, block.user_id)
    count, place = 0, 0
    while found := storage.in_thread(storage.person.conversations, user, place):
        place = found[-1].id
        for one in found:
            after: int | None = 0
            while after is not None:
                erased, after = storage.write(storage.person.erase_messages, one.id, user, after)
                count += erased
                time.sleep(0)
    notices = 0
    while some := storage.write(storage.person.erase_notifications, user):
        notices += some
    server.profiles.put({user: Profile()})
    storage.write(storage.person.erase_rest, user)
    return Erased(count, notices)


def _time(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
