"""Owns what is asked of a bus only to find a fault in how it is set up. Knows nothing of a server that runs."""

import time
from typing import Any, NamedTuple
from uuid import uuid4

from chat.errors import Unavailable

ANSWER_SECONDS = 3.0
LIMIT = "client-output-buffer-limit"
OF_SUBSCRIBERS = "pubsub"  # the class of clients that the limit is for


class BusSeen(NamedTuple):
    """What was seen of a Redis."""

    version: str
    echo_seconds: float | None  # from a word that was published to its being heard; None: it was not
    buffer_bytes: int | None  # that may wait for a worker before Redis cuts it off; 0: no limit; None: it does not say


def look_at(url: str) -> BusSeen:
    """Publish a word and hear it. Blocks. Raises Unavailable: no Redis answers."""
    from redis import Redis
    from redis.exceptions import RedisError

    client: Any = Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS)
    try:
        version = str(client.info("server").get("redis_version", "?"))
        return BusSeen(version, _echo_of(client), _limit_of(client))
    except RedisError as error:
        raise Unavailable(f"No Redis answers: {type(error).__name__}: {error}") from None
    finally:
        client.close()


def _echo_of(client: Any) -> float | None:
    channel = f"doctor:{uuid4().hex}"
    with client.pubsub() as heard:
        heard.subscribe(channel)
        heard.get_message(timeout=ANSWER_SECONDS)  # that it has subscribed
        begun = time.monotonic()
        client.publish(channel, b"")
        message = heard.get_message(timeout=ANSWER_SECONDS)
    return None if message is None else time.monotonic() - begun


def _limit_of(client: Any) -> int | None:
    from redis.exceptions import ResponseError

    try:
        words = str(client.config_get(LIMIT).get(LIMIT, "")).split()
    except ResponseError:  # who rents a Redis may often not ask
        return None
    return int(words[words.index(OF_SUBSCRIBERS) + 1]) if OF_SUBSCRIBERS in words else None
