"""What a message is besides a text."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("kind", sa.Text()))


def downgrade() -> None:
    op.drop_column("messages", "kind")
