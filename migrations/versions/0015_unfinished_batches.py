"""Which batches are under way, without those that are finished."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    under_way = sa.text("finished_at IS NULL")
    op.create_index("batches_under_way", "batches", ["id"], sqlite_where=under_way, postgresql_where=under_way)


def downgrade() -> None:
    op.drop_index("batches_under_way", "batches")
