"""What tells a database from the same one after a restore."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epoch", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("value", sa.Text(), nullable=False)
    )


def downgrade() -> None:
    op.drop_table("epoch")
