"""How many messages the first user of each conversation has sent, of which the members' counts go on: see 0023."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = "first_sent", "counted_seq"

COUNT = "UPDATE conversations SET counted_seq = last_seq"
STEP = sa.text(f"""
WITH step AS (SELECT id FROM conversations WHERE id > :after ORDER BY id LIMIT :rows FOR UPDATE)
{COUNT} WHERE id IN (SELECT id FROM step) RETURNING id
""")


def upgrade() -> None:
    if is_made():
        return  # and filled: see `prepare`
    make()
    op.execute(COUNT)


def prepare(rows: int) -> Iterator[None]:
    """Make and fill them, `rows` conversations in each step."""
    if not is_made():
        make()
        yield
    connection, after = op.get_bind(), 0
    while ids := connection.scalars(STEP, {"after": after, "rows": rows}).all():
        after = max(ids)
        yield


def is_made() -> bool:
    return COLUMNS[0] in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("conversations")}


def make() -> None:
    for column in COLUMNS:
        op.add_column("conversations", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("conversations", column)
