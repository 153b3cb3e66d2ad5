"""How many of the other's messages each member has read: the rest of those that were sent is unread.

By itself, and not with 0022: a transaction that locked the conversations and then the members would deadlock with a program that
reads them in the other order.
"""

from collections.abc import Iterator

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
COUNT = """
UPDATE members SET read_counted = read_seq, read_sent = (
  SELECT CASE WHEN c.key = members.user_id || :separator || members.user_id THEN 0
    WHEN substr(c.key, 1, length(members.user_id) + 1) = members.user_id || :separator THEN c.counted_seq ELSE 0 END
    - (SELECT count(*) FROM (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id AND m.seq > members.read_seq
       AND m.seq <= c.counted_seq AND m.sender_id <> members.user_id LIMIT 1000) AS unread)
  FROM conversations AS c WHERE c.id = members.conversation_id)
WHERE read_seq <= (SELECT counted_seq FROM conversations AS c WHERE c.id = members.conversation_id)
"""

NOT_COUNTED = """
UPDATE members SET read_counted = -1
WHERE read_seq > (SELECT counted_seq FROM conversations AS c WHERE c.id = members.conversation_id)
"""

# A step, on PostgreSQL: what it looks at, it locks first, in the order in which the programs do.
PAGE = sa.text("""
SELECT user_id, conversation_id FROM members WHERE (user_id, conversation_id) > (:user, :place)
ORDER BY user_id, conversation_id LIMIT :rows
""")
OF_PAGE = "(user_id, conversation_id) IN (SELECT * FROM unnest(CAST(:users AS text[]), CAST(:places AS bigint[])))"
LOCK = sa.text(f"""
SELECT 1 FROM members WHERE {OF_PAGE} ORDER BY user_id COLLATE "C", conversation_id FOR UPDATE
""")
STEP_COUNT = sa.text(f"{COUNT} AND read_sent IS NULL AND {OF_PAGE}")
STEP_NOT_COUNTED = sa.text(f"UPDATE members SET read_sent = 0, read_counted = -1 WHERE read_sent IS NULL AND {OF_PAGE}")


def upgrade() -> None:
    if is_made():  # and filled: see `prepare`; or 0022 did it, before the two were parted
        for column in COLUMNS if op.get_bind().dialect.name == "postgresql" else ():
            op.alter_column("members", column, nullable=False)
        return
    for column in COLUMNS:
        op.add_column("members", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    op.get_bind().execute(sa.text(COUNT), {"separator": "\x1f"})
    op.execute(NOT_COUNTED)


def prepare(rows: int) -> Iterator[None]:
    """Make and fill them, `rows` members in each step. NULL: not filled. A new member has the default."""
    connection = op.get_bind()
    if not is_made():
        for column in COLUMNS:
            op.add_column("members", sa.Column(column, sa.BigInteger()))
            op.alter_column("members", column, server_default="0")
        yield
    page = {"user": "", "place": 0, "rows": rows}
    while found := connection.execute(PAGE, page).all():
        page |= {"user": found[-1].user_id, "place": found[-1].conversation_id}
        of_page = {"users": [row.user_id for row in found], "places": [row.conversation_id for row in found]}
        connection.execute(LOCK, of_page)
        connection.execute(STEP_COUNT, {"separator": "\x1f"} | of_page)
        connection.execute(STEP_NOT_COUNTED, of_page)
        yield


def is_made() -> bool:
    return COLUMNS[0] in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("members")}


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("members", column)
