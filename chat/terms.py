"""Owns the one place where all limits are gathered that clients are told of. Each is set, and kept, elsewhere."""

from chat import limits
from chat.config import Settings
from chat.notifications import draft, feed
from chat.people import blocking, passwords
from chat.protocol import names, structs
from chat.protocol.told_limits import ToldLimits
from chat.storage.records import PAGE_BYTES
from chat.storage.unread import UNREAD_COUNTED


def told_limits(settings: Settings) -> ToldLimits:
    """Return what clients are told of the limits under these settings."""
    limit = settings.in_force
    return ToldLimits(
        frame_bytes=settings.max_message_bytes,
        fragments=settings.max_fragments,
        outbox_bytes=settings.outbox_bytes,
        init_seconds=settings.init_seconds,
        user_id_chars=names.USER_ID_CHARS,
        client_id_chars=structs.CLIENT_ID_CHARS,
        ref_chars=structs.REF_CHARS,
        token_chars=structs.TOKEN_CHARS,
        password_min_chars=passwords.LEAST_CHARS,
        password_chars=passwords.MOST_CHARS,
        burst_seconds=limits.BURST_SECONDS,
        events_per_second=limit(settings.events_per_second),
        frames_per_second=limit(settings.frames_per_second),
        bytes_per_second=limit(settings.bytes_per_second),
        messages_per_minute=limit(settings.messages_per_minute),
        inits_per_minute=limit(limits.INITS_PER_MINUTE),
        stored_bytes_per_minute=limit(settings.stored_bytes_per_minute),
        stored_bytes_per_day=limit(settings.stored_bytes_per_day),
        strangers_bytes_per_second=limit(settings.strangers_bytes_per_second),
        new_names_per_minute=limit(limits.NEW_NAMES_PER_MINUTE),
        sockets_per_user=limit(settings.sockets_per_user),
        sockets_per_address=limit(settings.sockets_per_address),
        upgrades_per_minute=limit(settings.upgrades_per_minute),
        requests_per_minute=limit(settings.requests_per_minute),
        blocks=blocking.MOST,
        block_changes_per_minute=blocking.CHANGES_PER_MINUTE,
        body_bytes=limits.BODY_BYTES,
        search_chars=limits.SEARCH_CHARS,
        page_items=limits.PAGE_ITEMS,
        page_messages=limits.PAGE_MESSAGES,
        page_bytes=PAGE_BYTES,
        unread_counted=UNREAD_COUNTED,
        ready_conversations=limits.READY_CONVERSATIONS,
        ready_notifications=feed.PAGE,
        notification_chars=draft.MESSAGE_CHARS,
        notification_title_chars=draft.TITLE_CHARS,
        notification_link_chars=draft.LINK_CHARS,
        notification_seconds=draft.LONGEST_SECONDS,
        notification_users=draft.MOST_USERS,
        push_bytes=limits.PUSH_BYTES,
    )
