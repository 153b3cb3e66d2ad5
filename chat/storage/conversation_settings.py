"""Owns what users have set for their conversations, as it is stored. What follows of it is left to others."""

from msgspec import structs
from sqlalchemy import bindparam, delete, select

from chat.protocol.conversation_settings import ConversationSettings
from chat.storage.compiled import Compiled
from chat.storage.database import Database
from chat.storage.schema import conversation_settings as table

NAMES = ConversationSettings.__struct_fields__


class StoredSettings:
    """The settings of one database. Blocking, for any thread; writes for one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of_user = Compiled(database.engine, _OF_USER)

    def of(self, user_id: str) -> list[ConversationSettings]:
        """Return what a user has set, for each conversation that is not as all begin."""
        with self._database.reading() as connection:
            rows = self._of_user.rows(connection, user=user_id)
        return [ConversationSettings(**dict(zip(NAMES, row, strict=True))) for row in rows]

    def put(self, user_id: str, settings: ConversationSettings) -> None:
        """Store them in the place of those that the conversation had. A row that says nothing new is not kept."""
        row = {"user_id": user_id, **structs.asdict(settings)}
        ours = delete(table).where(table.c.user_id == user_id, table.c.with_user_id == settings.with_user_id)
        with self._database.transaction() as connection:
            self._database.lock_names(connection, [user_id])  # else two workers would both insert it
            connection.execute(ours)
            if not settings.is_default:
                connection.execute(table.insert(), row)


_OF_USER = (
    select(*(table.c[name] for name in NAMES))
    .where(table.c.user_id == bindparam("user"))
    .order_by(table.c.with_user_id)
)
