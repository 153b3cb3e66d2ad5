"""Owns the tables, as SQLAlchemy Core knows them; `migrations/` makes and changes them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from chat.storage.records import Message

metadata = MetaData()

# SQLite numbers rows only in a column that is called INTEGER to the letter.
RowId = BigInteger().with_variant(Integer, "sqlite")

conversations = Table(
    "conversations",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # "direct"; groups may come
    Column("key", Text, nullable=False, unique=True),  # of a direct one: its two users, sorted
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("first_seq", BigInteger, nullable=False, server_default="1"),  # what lies before it was erased
    # On SQLite: up to where the search index holds the conversation.
    Column("indexed_seq", BigInteger, nullable=False, server_default="0"),
    Column("last_change", BigInteger, nullable=False, server_default="0"),
    # When its last message was sent, as `listings` has it. NULL: it is not listed yet.
    Column("last_at", BigInteger),
    # How many messages up to `counted_seq` the first of its two users has sent, counted from anywhere.
    Column("first_sent", BigInteger, nullable=False, server_default="0"),
    Column("counted_seq", BigInteger, nullable=False, server_default="0"),
)

members = Table(
    "members",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    # Pointers: read_seq <= received_seq <= the conversation's last_seq, and they only grow.
    Column("received_seq", BigInteger, nullable=False, server_default="0"),
    Column("read_seq", BigInteger, nullable=False, server_default="0"),
    # How many of the other's messages lie up to `read_counted`, counted as `first_sent` is: see unread.py.
    Column("read_sent", BigInteger, nullable=False, server_default="0"),
    Column("read_counted", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("conversation_id", "user_id"),  # both members of a conversation stand together
    Index("members_of_a_user", "user_id", "conversation_id"),
    sqlite_with_rowid=False,
)

# Each user's conversations by the time of the last message. Written only by who holds the conversation's lock.
listings = Table(
    "listings",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("last_at", BigInteger, nullable=False),  # the conversation's
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    PrimaryKeyConstraint("user_id", "last_at", "conversation_id"),  # in the order of the list
    sqlite_with_rowid=False,  # a row is its key: one tree to write to, not two
)

messages = Table(
    "messages",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),  # 1, 2, 3 ... without gaps, in commit order
    Column("sender_id", Text, nullable=False),
    Column("client_id", Text),  # NULL: the client gave none, and may not repeat itself
    Column("body", Text, nullable=False),  # empty: it was erased, and keeps the conversation's place
    Column("sent_at", BigInteger, nullable=False),  # Unix time in milliseconds
    Column("kind", Text),  # NULL: a text
    PrimaryKeyConstraint("conversation_id", "seq"),
    # Led by client_id: ids that grow with time (UUIDv7) go to the end of the tree, which costs a
    # third of what a tree does that is led by the conversation.
    UniqueConstraint("client_id", "conversation_id", "sender_id"),
)

# What changed messages after they were written: 1, 2, 3 ... without gaps in a conversation.
changes = Table(
    "changes",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # "erased"; edits may come
    Column("first_seq", BigInteger, nullable=False),  # which messages: from here
    Column("last_seq", BigInteger, nullable=False),  # to here
    PrimaryKeyConstraint("conversation_id", "change"),
)

MESSAGE = tuple(messages.c[name] for name in Message._fields)
# Of a message and a conversation: it is its last one.
IS_LAST = (messages.c.conversation_id == conversations.c.id) & (messages.c.seq == conversations.c.last_seq)

# A free name that only looked in has no row. One that has written, or was written to, or that a host application's
# token named, has: such a name is used, and nobody gets it by signing up.
accounts = Table(
    "accounts",
    metadata,
    Column("key", Text, primary_key=True),  # the user key of the name
    Column("name", Text, nullable=False),  # as it is written
    Column("skeleton", Text, nullable=False, server_default="", index=True),  # the same for keys that look alike
    Column("password", Text),  # Argon2's own string; NULL: the name is free
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", BigInteger, nullable=False),  # Unix times in milliseconds
    # Of a host application's tokens no older one counts; of ours those that carry this very generation.
    Column("valid_from", BigInteger, nullable=False, server_default="0"),
    Column("generation", BigInteger, nullable=False, server_default="0"),  # random, but 0 at first
    Column("host", Boolean, nullable=False, server_default=false()),  # a host application's token named it
    Column("changed_at", BigInteger, nullable=False, index=True),  # what each worker looks for
)

# Of people who share a conversation with somebody; whoever is here just now may have an older row.
last_seen = Table(
    "last_seen",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),  # Unix time in milliseconds
)

# Whom a user has blocked.
blocks = Table(
    "blocks",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("blocked_id", Text, nullable=False),
    Column("since", BigInteger, nullable=False),  # Unix time in milliseconds
    PrimaryKeyConstraint("user_id", "blocked_id"),
    Index("blocks_of_a_blocked_one", "blocked_id"),
)

# What other workers have not heard of yet; each pair stands in `blocks`, or does not. An hour old, it is deleted.
block_changes = Table(
    "block_changes",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("blocked_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),  # Unix time in milliseconds, by the database's clock
    PrimaryKeyConstraint("user_id", "blocked_id"),
)

# What a user has set for a conversation; those without a row are as all begin.
conversation_settings = Table(
    "conversation_settings",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("with_user_id", Text, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("marked_unread", Boolean, nullable=False),
    Column("hidden_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "with_user_id"),
)

# Sessions that somebody signed in to here, and all that were ended before their tokens expire.
sessions = Table(
    "sessions",
    metadata,
    Column("user_key", Text, nullable=False),
    Column("id", Text, nullable=False),  # the token's `jti`
    Column("generation", BigInteger),  # the account's, then; NULL: a host application's token
    Column("created_at", BigInteger, nullable=False),  # Unix times in milliseconds
    Column("expires_at", BigInteger, nullable=False, index=True),  # then the row has done its work
    Column("ended_at", BigInteger, index=True),  # NULL: it counts
    PrimaryKeyConstraint("user_key", "id"),  # two users may have sessions of one name
)

# Tokens of programs, as `flask chat token` made them.
service_tokens = Table(
    "service_tokens",
    metadata,
    Column("id", Text, primary_key=True),  # the token's `jti`
    Column("service", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # Unix times in milliseconds
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("revoked_at", BigInteger),  # NULL: it counts
)

_UNDER_WAY = text("finished_at IS NULL")
_WAITING = text("seen_at IS NULL AND dismissed_at IS NULL")
_CHANGED = text("change IS NOT NULL")
MAY_BE_DONE = "(seen_at IS NOT NULL OR dismissed_at IS NOT NULL OR expires_at IS NOT NULL)"


def _content() -> list[Column[Any]]:
    """The columns of what a notification says, which a batch says to many."""
    return [
        Column("message", Text, nullable=False),
        Column("title", Text),
        Column("link", Text),
        Column("level", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),  # Unix times in milliseconds
        Column("expires_at", BigInteger),  # NULL: never
    ]


notifications = Table(
    "notifications",
    metadata,
    Column("id", RowId, primary_key=True),  # of one user: in the order of commits
    Column("user_key", Text, nullable=False),  # of whom it is for
    *_content(),
    Column("seen_at", BigInteger),
    Column("dismissed_at", BigInteger),
    Column("change", BigInteger),  # the number of its last change, among those of its user; NULL: none
    Index("notifications_of_a_user", "user_key", "id"),
    Index("notifications_unseen", "user_key", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("notifications_changed", "user_key", "change", sqlite_where=_CHANGED, postgresql_where=_CHANGED),
    Index("notifications_done", "created_at", sqlite_where=text(MAY_BE_DONE), postgresql_where=text(MAY_BE_DONE)),
    sqlite_autoincrement=True,  # no id twice, even of rows that somebody deleted
)

# By user: how far the numbers of changes have got, which must not fall when notifications are deleted.
notification_changes = Table(
    "notification_changes",
    metadata,
    Column("user_key", Text, primary_key=True),
    Column("newest", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),  # up to there some were deleted with their notifications
)

batches = Table(
    "batches",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("service", Text, nullable=False),  # who asked for it
    *_content(),
    Column("user_ids", Text, nullable=False),  # for whom, as JSON; emptied at the end
    Column("total", BigInteger, nullable=False),  # users
    Column("sent", BigInteger, nullable=False),  # how many of them have their notification
    Column("reached", BigInteger, nullable=False),  # sockets and streams that took one
    Column("finished_at", BigInteger),  # NULL: it is under way
    # Which process sends it, and until when it is believed to be alive, by the database's clock.
    Column("claimed_by", Text),
    Column("claimed_until", BigInteger, nullable=False, server_default="0"),
    Index("batches_under_way", "id", sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY),
    sqlite_autoincrement=True,
)

# A request that comes again within a day is answered by what the first one made.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("service", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of the request's body
    Column("answer", BigInteger, nullable=False),  # the id of the notification or batch
    Column("created_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("service", "key"),
)

# How users are shown who are not shown by their ids alone.
profiles = Table(
    "profiles",
    metadata,
    Column("user_key", Text, primary_key=True),
    Column("display_name", Text),
    Column("avatar_url", Text),  # where it is not one of `pictures`
    Column("picture", Text, index=True),  # its digest
    Column("subtitle", Text),
    Column("updated_at", BigInteger, nullable=False),  # Unix time in milliseconds
)

# By what a display name is found: it from each of its words on, folded.
profile_words = Table(
    "profile_words",
    metadata,
    Column("words", Text, nullable=False),
    Column("user_key", Text, nullable=False, index=True),
    PrimaryKeyConstraint("words", "user_key"),
)

# What was uploaded, as it is served: WebP. One that no profile names is deleted.
pictures = Table(
    "pictures",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("small", LargeBinary, nullable=False),
    Column("large", LargeBinary, nullable=False),
)

# What a restore changes, so that clients know that it took place; and what names the database for its tokens.
epoch = Table(
    "epoch",
    metadata,
    Column("id", Integer, primary_key=True),  # 1: the epoch; 2: the identity
    Column("value", Text, nullable=False),
)

# One row, on PostgreSQL: which process serves the database. On SQLite a locked file says it.
server_lease = Table(
    "server_lease",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("holder", Text, nullable=False),  # a random id; "" when it was given back
    Column("owner", Text, nullable=False),  # `lease.Owner` as JSON
    Column("renewed_at", BigInteger, nullable=False),  # Unix time in ms, by the database's clock
)
