"""Notifications, batches of them, and the keys by which a repeated request is known."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("seen_at IS NULL AND dismissed_at IS NULL")
MAY_BE_DONE = sa.text("(seen_at IS NOT NULL OR dismissed_at IS NOT NULL OR expires_at IS NOT NULL)")


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("seen_at", sa.BigInteger()),
        sa.Column("dismissed_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index("notifications_of_a_user", "notifications", ["user_key", "id"])
    op.create_index(
        "notifications_unseen", "notifications", ["user_key", "id"], sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_index(
        "notifications_done", "notifications", ["created_at"], sqlite_where=MAY_BE_DONE, postgresql_where=MAY_BE_DONE
    )
    op.create_table(
        "batches",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("user_ids", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("answer", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, index=True),
        sa.PrimaryKeyConstraint("service", "key"),
    )


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("batches")
    op.drop_table("notifications")
