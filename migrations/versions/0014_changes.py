"""What changed a message after it was written."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("last_change", sa.BigInteger(), nullable=False, server_default="0"))
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "changes",
        sa.Column("conversation_id", row_id, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "change"),
    )


def downgrade() -> None:
    op.drop_table("changes")
    op.drop_column("conversations", "last_change")
