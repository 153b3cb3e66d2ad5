"""Owns what the figures read of the parts of a chat when they are shown. What happens is counted where it happens."""

from collections.abc import Sized

from chat.metrics import Metrics
from chat.router import Router
from chat.storage.sizes import Sizes
from chat.storage.storage import Storage
from chat.transport.connections import Connections
from chat.transport.outbox_shares import OutboxShares


def show(
    metrics: Metrics,
    router: Router,
    storage: Storage,
    connections: Connections,
    shares: OutboxShares,
    online: Sized,
    listeners: Sized,
) -> None:
    """Have the figures show these parts."""
    metrics.sockets.value = connections.__len__
    metrics.users.value = online.__len__
    metrics.streams.value = listeners.__len__
    metrics.outbox_bytes.value = lambda: shares.bytes
    metrics.refused.read = lambda: connections.refusals.counts
    metrics.events.read = router.counts
    metrics.unindexed.value = lambda: storage.search_index.behind
    metrics.journal.value = lambda: storage.journal.waiting
    metrics.journal_bytes.value = storage.journal.waiting_bytes
    metrics.writes_failing.value = lambda: int(storage.database.write_error is not None)
    sizes = Sizes(storage.database)
    metrics.database_bytes.value = sizes.database
    metrics.wal_bytes.value = sizes.wal
    connections.each_sweep.append(lambda: connections.spawn(sizes.keep_up, storage.in_thread))
