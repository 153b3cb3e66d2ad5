"""On PostgreSQL, which messages were stored lately is found without reading all: each worker asks twice a minute."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Times grow with the table, so that a few pages of a BRIN index do. SQLite numbers its rows: see storage/recent.py.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX messages_by_time ON messages USING brin (sent_at) WITH (pages_per_range = 32)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX messages_by_time")
