"""What happened to a notification after it was made has a number, by which a client that was away learns of it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

HAS_CHANGED = sa.text("change IS NOT NULL")


def upgrade() -> None:
    op.add_column("notifications", sa.Column("change", sa.BigInteger()))
    op.create_index(
        "notifications_changed",
        "notifications",
        ["user_key", "change"],
        sqlite_where=HAS_CHANGED,
        postgresql_where=HAS_CHANGED,
    )
    op.create_table(
        "notification_changes",
        sa.Column("user_key", sa.Text(), primary_key=True),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("notification_changes")
    op.drop_index("notifications_changed", "notifications")
    op.drop_column("notifications", "change")
