"""Owns the limits as clients are told of them: in `ready`, and by GET /api/limits. docs/protocol.md explains each."""

import msgspec


class ToldLimits(msgspec.Struct, rename="camel", kw_only=True):
    """What a client has to keep to. Of what is counted by the time, 0 means: no limit."""

    frame_bytes: int  # of an event, and so of a message
    fragments: int
    outbox_bytes: int
    init_seconds: float
    user_id_chars: int
    client_id_chars: int
    ref_chars: int
    token_chars: int
    password_min_chars: int
    password_chars: int
    burst_seconds: int  # of the next three, so many seconds' worth may come at once
    events_per_second: int
    frames_per_second: int
    bytes_per_second: int
    messages_per_minute: int
    inits_per_minute: int
    stored_bytes_per_minute: int
    stored_bytes_per_day: int
    strangers_bytes_per_second: int
    new_names_per_minute: int
    sockets_per_user: int
    sockets_per_address: int
    upgrades_per_minute: int
    requests_per_minute: int
    blocks: int
    block_changes_per_minute: int
    body_bytes: int
    search_chars: int
    page_items: int
    page_messages: int
    page_bytes: int
    unread_counted: int
    ready_conversations: int
    ready_notifications: int
    notification_chars: int
    notification_title_chars: int
    notification_link_chars: int
    notification_seconds: int
    notification_users: int
    push_bytes: int
