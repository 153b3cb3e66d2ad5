"""What several workers have to know of each other: who sends a batch, and which blocks have changed."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("claimed_by", sa.Text()))
    op.add_column("batches", sa.Column("claimed_until", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "block_changes",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("blocked_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "blocked_id"),
    )
    op.create_index("ix_block_changes_at", "block_changes", ["at"])


def downgrade() -> None:
    op.drop_table("block_changes")
    with op.batch_alter_table("batches") as batch:
        batch.drop_column("claimed_until")
        batch.drop_column("claimed_by")
