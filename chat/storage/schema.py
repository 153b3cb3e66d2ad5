"""The tables, as SQLAlchemy Core knows them; `migrations/` makes and changes them.

What is asked of them stands in `store.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

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
)

members = Table(
    "members",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    # Pointers: read_seq <= received_seq <= the conversation's last_seq, and they only grow.
    Column("received_seq", BigInteger, nullable=False, server_default="0"),
    Column("read_seq", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("user_id", "conversation_id"),  # led by what it is asked by
)

messages = Table(
    "messages",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversations.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),  # 1, 2, 3 ... without gaps, in commit order
    Column("sender_id", Text, nullable=False),
    Column("client_id", Text),  # NULL: the client gave none, and may not repeat itself
    Column("body", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),  # Unix time in milliseconds
    PrimaryKeyConstraint("conversation_id", "seq"),
    # Led by client_id: ids that grow with time (UUIDv7) go to the end of the tree, which costs a
    # third of what a tree does that is led by the conversation.
    UniqueConstraint("client_id", "conversation_id", "sender_id"),
)

# The columns of a `records.Message`, in its order.
MESSAGE = (
    messages.c.seq,
    messages.c.sender_id,
    messages.c.body,
    messages.c.sent_at,
    messages.c.client_id,
)
