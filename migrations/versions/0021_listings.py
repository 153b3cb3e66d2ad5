"""In which order a user's conversations are listed, so that a page of the list reads a page and not all of them."""

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


def upgrade() -> None:
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
    op.execute(
        "UPDATE conversations SET last_at = (SELECT sent_at FROM messages "
        "WHERE messages.conversation_id = conversations.id AND messages.seq = conversations.last_seq)"
    )
    op.execute(FILL)


def downgrade() -> None:
    op.drop_table("listings")
    op.drop_column("conversations", "last_at")
