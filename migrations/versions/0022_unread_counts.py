"""How many messages each user of a conversation has sent, and how many of those the other has read: the rest is unread."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Only differences count, so what was sent before may all count as the second user's: of it only what is unread is
# looked at, 1,000 of each conversation at most.
COUNT = sa.text("""
UPDATE members SET read_counted = read_seq, read_sent = (
  SELECT CASE WHEN c.key = members.user_id || :separator || members.user_id THEN 0
    WHEN substr(c.key, 1, length(members.user_id) + 1) = members.user_id || :separator THEN c.last_seq ELSE 0 END
    - (SELECT count(*) FROM (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id AND m.seq > members.read_seq
       AND m.sender_id <> members.user_id LIMIT 1000) AS unread)
  FROM conversations AS c WHERE c.id = members.conversation_id)
""")


def upgrade() -> None:
    for table, columns in (
        ("conversations", ("first_sent", "counted_seq")),
        ("members", ("read_sent", "read_counted")),
    ):
        for column in columns:
            op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE conversations SET counted_seq = last_seq")
    op.get_bind().execute(COUNT, {"separator": "\x1f"})


def downgrade() -> None:
    for table, columns in (
        ("conversations", ("first_sent", "counted_seq")),
        ("members", ("read_sent", "read_counted")),
    ):
        for column in columns:
            op.drop_column(table, column)
