"""Owns the making anew of what is kept beside the messages: the lists of conversations, and the numbers of what is unread."""

from sqlalchemy import text

from chat.storage.database import Database
from chat.storage.records import SEPARATOR
from chat.storage.unread import UNREAD_COUNTED


def list_anew(database: Database) -> None:
    """List and count all conversations, as their messages say. For no server to run meanwhile. Blocks, without a deadline."""
    with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        for statement in (_EMPTY, _PLACE, _LIST):
            connection.execute(statement)
        connection.execute(_COUNT, {"separator": SEPARATOR})


_EMPTY = text("DELETE FROM listings")
# Where the last message is gone, its time stays.
_PLACE = text("""
UPDATE conversations SET first_sent = 0, counted_seq = last_seq, last_at = coalesce((
  SELECT sent_at FROM messages WHERE messages.conversation_id = conversations.id AND messages.seq = conversations.last_seq
), last_at)
""")
# In the order of its tree: else each row would be written to another place of it.
_LIST = text("""
INSERT INTO listings (user_id, last_at, conversation_id)
SELECT members.user_id, conversations.last_at, conversations.id
FROM members JOIN conversations ON conversations.id = members.conversation_id
WHERE conversations.last_at IS NOT NULL ORDER BY 1, 2, 3
""")
# Only differences count, so that all messages may count as the second user's: of them only what is unread is looked at.
_COUNT = text(f"""
UPDATE members SET read_counted = read_seq, read_sent = (
  SELECT CASE WHEN c.key = members.user_id || :separator || members.user_id THEN 0
    WHEN substr(c.key, 1, length(members.user_id) + 1) = members.user_id || :separator THEN c.last_seq ELSE 0 END
    - (SELECT count(*) FROM (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id AND m.seq > members.read_seq
       AND m.sender_id <> members.user_id LIMIT {UNREAD_COUNTED}) AS unread)
  FROM conversations AS c WHERE c.id = members.conversation_id)
""")
