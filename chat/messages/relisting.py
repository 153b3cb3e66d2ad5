"""Owns the looking for conversations that an older program has written to beside this one, and not listed as they should be.

While a new version comes in without a gap, workers of both serve for a while. How a list is kept is left to the storage.
"""

from chat.messages.walks import Walk


class Relisting(Walk):
    """Lists what is not listed as it should be; again and again, since the last worker of before may be here still."""

    begin_seconds = 15

    def go_on(self, place: int) -> int | None:
        listings, storage = self._storage.listings, self._storage
        found, following = storage.in_thread(listings.left_behind, storage.database, place)
        for conversation in found:
            storage.write(listings.mend, storage.database, conversation)
            self.pause()
        return following
