"""How many of the other's messages each member has read: the rest of those that were sent is unread.

By itself, and not with 0022: a transaction that locked the conversations and then the members would deadlock with a program that
reads them in the other order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = "read_sent", "read_counted"

# Only differences count, so that what was sent before 0022 may all count as the second user's: of it only what is unread
# is looked at, 1,000 of each conversation at most. Where an older program has gone on reading since, the count begins with
# the next message that is read.
COUNT = sa.text("""
UPDATE members SET read_counted = read_seq, read_sent = (
  SELECT CASE WHEN c.key = members.user_id || :separator || members.user_id THEN 0
    WHEN substr(c.key, 1, length(members.user_id) + 1) = members.user_id || :separator THEN c.counted_seq ELSE 0 END
    - (SELECT count(*) FROM (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id AND m.seq > members.read_seq
       AND m.seq <= c.counted_seq AND m.sender_id <> members.user_id LIMIT 1000) AS unread)
  FROM conversations AS c WHERE c.id = members.conversation_id)
WHERE read_seq <= (SELECT counted_seq FROM conversations AS c WHERE c.id = members.conversation_id)
""")

NOT_COUNTED = sa.text("""
UPDATE members SET read_counted = -1
WHERE read_seq > (SELECT counted_seq FROM conversations AS c WHERE c.id = members.conversation_id)
""")


def upgrade() -> None:
    connection = op.get_bind()
    if COLUMNS[0] in {column["name"] for column in sa.inspect(connection).get_columns("members")}:
        return  # 0022 has made and filled them, before the two were parted
    for column in COLUMNS:
        op.add_column("members", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    connection.execute(COUNT, {"separator": "\x1f"})
    connection.execute(NOT_COUNTED)


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("members", column)
