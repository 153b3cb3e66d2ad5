"""How users are shown: display names, by whose words they are found, and pictures that were uploaded."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Words are looked for by how they begin, which an index gives only where letters are ordered by their numbers.
    by_number = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else sa.Text()
    op.create_table(
        "profiles",
        sa.Column("user_key", sa.Text(), primary_key=True),
        sa.Column("display_name", sa.Text()),
        sa.Column("avatar_url", sa.Text()),
        sa.Column("picture", sa.Text()),
        sa.Column("subtitle", sa.Text()),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_profiles_picture", "profiles", ["picture"])
    op.create_table(
        "profile_words",
        sa.Column("words", by_number, nullable=False),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("words", "user_key"),
    )
    op.create_index("ix_profile_words_user_key", "profile_words", ["user_key"])
    op.create_table(
        "pictures",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("small", sa.LargeBinary(), nullable=False),
        sa.Column("large", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    for table in ("pictures", "profile_words", "profiles"):
        op.drop_table(table)
