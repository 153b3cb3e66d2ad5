"""What each user has set for a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversation_settings",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("with_user_id", sa.Text(), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("marked_unread", sa.Boolean(), nullable=False),
        sa.Column("hidden_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "with_user_id"),
    )


def downgrade() -> None:
    op.drop_table("conversation_settings")
