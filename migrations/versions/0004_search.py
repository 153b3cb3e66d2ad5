"""When people were last seen, and an index of what messages say.

Where the database has no trigrams, SQLite without FTS5 or PostgreSQL whose owner may not make the
extension pg_trgm, there is no index, and less is searched.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "last_seen", sa.Column("user_id", sa.Text(), primary_key=True), sa.Column("at", sa.BigInteger(), nullable=False)
    )
    op.add_column("conversations", sa.Column("indexed_seq", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "sqlite":
        # Holds no texts: a row's number says which message it is, see storage/search_index.py.
        attempt("CREATE VIRTUAL TABLE trigrams USING fts5(body, content='', tokenize='trigram')")
    else:
        op.execute('CREATE INDEX accounts_by_beginning ON accounts (key COLLATE "C")')
        if attempt("CREATE EXTENSION IF NOT EXISTS pg_trgm"):
            attempt("CREATE INDEX trigrams ON messages USING gin (body gin_trgm_ops)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE IF EXISTS trigrams")
    else:
        op.execute("DROP INDEX IF EXISTS trigrams")
        op.execute("DROP INDEX accounts_by_beginning")
    op.drop_column("conversations", "indexed_seq")
    op.drop_table("last_seen")


def attempt(statement: str) -> bool:
    """Whether the database can do it; if not, nothing has happened."""
    try:
        with op.get_bind().begin_nested():
            op.execute(statement)
    except DBAPIError:
        return False
    return True
