"""Conversations, their members and their messages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, unique=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_table(
        "members",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", ROW_ID, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("received_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("read_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("user_id", "conversation_id"),
    )
    op.create_table(
        "messages",
        sa.Column("conversation_id", ROW_ID, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
        sa.UniqueConstraint("client_id", "conversation_id", "sender_id"),
    )


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("members")
    op.drop_table("conversations")
