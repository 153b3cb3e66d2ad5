"""A name has an owner: generations of accounts, sessions, tokens of programs; and a row for each name that was used."""

import sqlalchemy as sa
from alembic import op

from chat.protocol.lookalikes import skeleton
from chat.protocol.names import name_key

revision = "0006"
down_revision = "0010"
branch_labels = None
depends_on = None

ROWS = 1_000  # inserted at a time

# Names, and where only their keys are kept, those.
NAMES = (
    "SELECT DISTINCT user_id FROM members",
    "SELECT user_id FROM last_seen",
    "SELECT DISTINCT user_key FROM notifications",
    "SELECT user_key FROM ended_sessions",
)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("generation", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("host", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "sessions",
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("ended_at", sa.BigInteger(), index=True),
        sa.PrimaryKeyConstraint("user_key", "id"),
    )
    op.create_table(
        "service_tokens",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("revoked_at", sa.BigInteger()),
    )
    _add_used_names()
    op.execute(
        "INSERT INTO sessions (user_key, id, created_at, expires_at, ended_at) "
        "SELECT user_key, id, ended_at, expires_at, ended_at FROM ended_sessions"
    )
    op.drop_table("ended_sessions")


def _add_used_names() -> None:
    """Have a row for each name that was used before, so that nobody gets it by signing up."""
    connection = op.get_bind()
    insert = sa.text(
        "INSERT INTO accounts (key, name, skeleton, created_at, changed_at) "
        "VALUES (:key, :name, :skeleton, 0, 0) ON CONFLICT DO NOTHING"
    )
    for query in NAMES:
        found = {name_key(name): name for (name,) in connection.execute(sa.text(query))}
        rows = [{"key": key, "name": name, "skeleton": skeleton(key)} for key, name in found.items()]
        for start in range(0, len(rows), ROWS):
            connection.execute(insert, rows[start : start + ROWS])


def downgrade() -> None:
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False, index=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.drop_table("service_tokens")
    op.drop_table("sessions")
    op.drop_column("accounts", "host")
    op.drop_column("accounts", "generation")
