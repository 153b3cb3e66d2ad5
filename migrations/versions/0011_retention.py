"""From which message on a conversation is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("first_seq", sa.BigInteger(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("conversations", "first_seq")
