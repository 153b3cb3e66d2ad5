"""Owns the question what became of a commit whose answer never came: the connection to PostgreSQL broke just then.

To call it failed would be wrong half of the time: the message is stored, its sender sends it again and gets
its ack, and nobody ever delivers it. An embedded database has no connection that could break.
"""

import logging

from gevent.monkey import get_original
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from chat.storage.database import Database
from chat.storage.records import Message
from chat.storage.schema import MESSAGE, conversations, messages

AGAIN_SECONDS = 0.2

sleep = get_original("time", "sleep")  # of this native thread


def is_stored(database: Database, conversation: int, message: Message, log: logging.Logger) -> bool:
    """Return whether the commit that was to store `message` took place.

    Blocks for as long as the database is away: until then nothing else can be stored either, and what
    comes in waits, or is refused with `busy`.
    """
    c, m = conversations.c, messages.c
    lock = select(c.id).where(c.id == conversation).with_for_update()
    place = select(*MESSAGE).where(m.conversation_id == conversation, m.seq == message.seq)
    log.warning("the line to the database broke in a commit: asking what became of it")
    while True:
        try:
            with database.transaction() as connection:
                connection.execute(lock)  # its other end may be at it still, and holds this lock
                row = connection.execute(place).one_or_none()
        except SQLAlchemyError:
            sleep(AGAIN_SECONDS)
        else:
            return row is not None and Message(*row) == message
