"""What is the same for names that look alike, so that a new one can be refused."""

import sqlalchemy as sa
from alembic import op

from chat.protocol.lookalikes import skeleton

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

ROWS = 1_000  # filled at once


def upgrade() -> None:
    op.add_column("accounts", sa.Column("skeleton", sa.Text(), nullable=False, server_default=""))
    accounts = sa.table("accounts", sa.column("key", sa.Text), sa.column("skeleton", sa.Text))
    fill = sa.update(accounts).where(accounts.c.key == sa.bindparam("k")).values(skeleton=sa.bindparam("s"))
    connection, last = op.get_bind(), ""
    while True:
        page = sa.select(accounts.c.key).where(accounts.c.key > last).order_by(accounts.c.key).limit(ROWS)
        keys = [*connection.scalars(page)]
        if not keys:
            break
        connection.execute(fill, [{"k": key, "s": skeleton(key)} for key in keys])
        last = keys[-1]
    op.create_index("ix_accounts_skeleton", "accounts", ["skeleton"])


def downgrade() -> None:
    op.drop_index("ix_accounts_skeleton", "accounts")
    op.drop_column("accounts", "skeleton")
