"""How many messages the first user of each conversation has sent, of which the members' counts go on: see 0023."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = "first_sent", "counted_seq"


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("conversations", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE conversations SET counted_seq = last_seq")


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("conversations", column)
