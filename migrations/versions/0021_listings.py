"""In which order a user's conversations are listed, so that a page of the list reads a page and not all of them."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Minutes would pass where each row was written to its place in the tree at once: the rows come in the tree's order.
FILL = """
INSERT INTO listings (user_id, last_at, conversation_id)
SELECT members.user_id, conversations.last_at, conversations.id
FROM members JOIN conversations ON conversations.id = members.conversation_id
WHERE conversations.last_at IS NOT NULL ORDER BY 1, 2, 3
"""


LAST_AT = """
UPDATE conversations SET last_at = (SELECT sent_at FROM messages
  WHERE messages.conversation_id = conversations.id AND messages.seq = conversations.last_seq)
"""

# A step, on PostgreSQL. A conversation is locked before its messages are looked at, so that nobody adds to it meanwhile.
LOCK = sa.text("SELECT id FROM conversations WHERE id > :after ORDER BY id LIMIT :rows FOR UPDATE")
STEP_LAST_AT = sa.text(f"{LAST_AT} WHERE id BETWEEN :first AND :last AND last_at IS NULL")
STEP_FILL = sa.text(
    FILL.replace("ORDER BY", "AND conversations.id BETWEEN :first AND :last ORDER BY") + " ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    if is_made():
        return  # and filled: see `prepare`
    make()
    op.execute(LAST_AT)
    op.execute(FILL)


def prepare(rows: int) -> Iterator[None]:
    """Make and fill them, `rows` conversations in each step. What an older program writes behind it, a worker lists."""
    if not is_made():
        make()
        yield
    connection, after = op.get_bind(), 0
    while ids := connection.scalars(LOCK, {"after": after, "rows": rows}).all():
        after = ids[-1]
        connection.execute(STEP_LAST_AT, {"first": ids[0], "last": after})
        connection.execute(STEP_FILL, {"first": ids[0], "last": after})
        yield


def is_made() -> bool:
    return "listings" in sa.inspect(op.get_bind()).get_table_names()


def make() -> None:
    op.add_column("conversations", sa.Column("last_at", sa.BigInteger()))
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "listings",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", row_id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "last_at", "conversation_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("listings")
    op.drop_column("conversations", "last_at")
