"""Both members of a conversation stand together, so that whoever looks at the one finds the other beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COUNTS = "received_seq", "read_seq", "read_sent", "read_counted"


def upgrade() -> None:
    change_key(["conversation_id", "user_id"], with_rowid=False)
    op.create_index("members_of_a_user", "members", ["user_id", "conversation_id"])


def downgrade() -> None:
    op.drop_index("members_of_a_user", "members")
    change_key(["user_id", "conversation_id"], with_rowid=True)


def change_key(key: list[str], with_rowid: bool) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("members_pkey", "members", type_="primary")
        op.create_primary_key("members_pkey", "members", key)
        return
    op.create_table(
        "members_anew",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), sa.ForeignKey("conversations.id"), nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in COUNTS],
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=with_rowid,
    )
    columns = ", ".join(("user_id", "conversation_id", *COUNTS))
    op.execute(f"INSERT INTO members_anew ({columns}) SELECT {columns} FROM members ORDER BY {', '.join(key)}")
    op.drop_table("members")
    op.rename_table("members_anew", "members")
