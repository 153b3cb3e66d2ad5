"""Owns every setting once: its name, default, unit and meaning.

The only file that reads the environment. What a setting does is left to where it is used.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from chat.errors import BadSetting

log = logging.getLogger("chat")

PREFIX = "CHAT_"
SECRET_BYTES = 32  # of a token's secret: as long as the hash, RFC 7518, section 3.2
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _setting(
    default: Any, unit: str, meaning: str, least: float | None = None, choices: tuple[str, ...] = (), shown: bool = True
) -> Any:
    metadata = {"unit": unit, "meaning": meaning, "least": least, "choices": choices}
    return field(default=default, repr=shown, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set. The variable for `max_sockets` is CHAT_MAX_SOCKETS, and so on."""

    origins: tuple[str, ...] = _setting(
        (),
        "origins, separated by commas",
        "Other sites whose pages may open a socket here, such as https://example.com; * allows all.",
    )
    max_sockets: int = _setting(15_000, "sockets a worker", "Further upgrades are answered 503.", least=1)
    max_message_bytes: int = _setting(65_536, "bytes", "A longer message closes its socket with 1009.", least=125)
    max_fragments: int = _setting(
        1_024, "frames a message", "A message in more pieces closes its socket with 1009.", least=1
    )
    outbox_bytes: int = _setting(
        1_048_576,
        "bytes a socket",
        "What may wait for a slow reader. Beyond it the reader is closed with 4008.",
        least=1_024,
    )
    heartbeat_seconds: float = _setting(
        25.0, "seconds", "After so much silence a ping is sent; a peer that leaves two unanswered is closed.", least=1.0
    )
    init_seconds: float = _setting(
        10.0, "seconds", "A socket that has not sent init by then is closed with 4502.", least=1.0
    )
    presence_seconds: float = _setting(
        5.0, "seconds", "How long somebody whose last socket is gone still counts as being there.", least=0.0
    )
    close_seconds: float = _setting(
        10.0, "seconds", "How long a closed peer may take to hang up before it is cut off.", least=0.1
    )
    stop_seconds: float = _setting(
        4.0, "seconds", "How long a worker that stops takes at most to say goodbye.", least=0.1
    )
    database_url: str = _setting(
        "",
        "URL",
        "SQLAlchemy's, of SQLite or PostgreSQL (postgresql+psycopg://...). "
        "Empty: the file chat.db in Flask's instance folder.",
    )
    journal_records: int = _setting(
        20_000,
        "records",
        "How many messages and receipts may wait to be stored; further ones are answered busy.",
        least=1,
    )
    token_secret: str = _setting(
        "",
        "text of at least 32 bytes",
        "What tokens are signed with; whoever knows it can sign in as anybody. Empty: 32 random bytes, "
        "made once and kept in the file token_secret in Flask's instance folder.",
        shown=False,
    )
    token_ttl: int = _setting(7 * 24 * 3600, "seconds", "How long a token is valid.", least=1)
    auth: str = _setting(
        "open",
        "open or required",
        "open: a name without a password is anybody's. required: everybody signs in with a password.",
        choices=("open", "required"),
    )
    signup: str = _setting(
        "open",
        "open or closed",
        "Whether people make their own accounts; closed: flask chat add-user makes them. "
        "It counts where CHAT_AUTH is required.",
        choices=("open", "closed"),
    )
    trusted_proxies: int = _setting(
        0,
        "proxies",
        "How many proxies stand before this server; each adds to X-Forwarded-For, of which so many "
        "entries are believed. 0: the header is not read.",
        least=0,
    )
    rate_limits: str = _setting(
        "on", "on or off", "off switches all of the limits below off, for a benchmark.", choices=("on", "off")
    )
    events_per_second: int = _setting(
        200,
        "events a socket and second",
        "Further events are answered rate_limited. Four seconds' worth may come at once. 0: no limit.",
        least=0,
    )
    frames_per_second: int = _setting(
        800,
        "frames a socket and second",
        "More, pings and fragments too, close the socket with 4009. Four seconds' worth may come at once. 0: no limit.",
        least=0,
    )
    bytes_per_second: int = _setting(
        524_288,
        "bytes a socket and second",
        "More close the socket with 4009. Four seconds' worth may come at once. 0: no limit.",
        least=0,
    )
    messages_per_minute: int = _setting(
        1_200, "messages a user and minute", "Further ones are answered rate_limited. 0: no limit.", least=0
    )
    sockets_per_user: int = _setting(
        50,
        "sockets a user",
        "The init of a further one is answered rate_limited, and the socket closed with 4009. 0: no limit.",
        least=0,
    )
    sockets_per_address: int = _setting(
        2_000,
        "sockets an address",
        "Further upgrades are answered 429. A network of IPv6 (/64) counts as one. 0: no limit.",
        least=0,
    )
    upgrades_per_minute: int = _setting(
        3_000, "upgrades an address and minute", "Further ones are answered 429. 0: no limit.", least=0
    )
    requests_per_minute: int = _setting(
        3_000, "requests an address and minute", "Further requests of the API are answered 429. 0: no limit.", least=0
    )
    url: str = _setting(
        "http://127.0.0.1:8000",
        "URL",
        "Where flask chat notify, and notify() in another process than the server's, find the server.",
    )
    notification_days: int = _setting(
        90,
        "days",
        "A notification that was seen or dismissed, or has expired, is deleted so long after it was made. 0: never.",
        least=0,
    )
    webhook_url: str = _setting(
        "", "URL", "Who is told of a message or notification to somebody who is offline. Empty: nobody."
    )
    webhook_secret: str = _setting(
        "", "text", "What the webhook's requests are signed with; needed with CHAT_WEBHOOK_URL.", shown=False
    )
    scripts: str = _setting(
        "joined",
        "joined or separate",
        "joined: the page loads its modules as one script. separate: one by one, to read and change them; "
        "so it is in Flask's debug mode, too.",
        choices=("joined", "separate"),
    )
    log_level: str = _setting(
        "INFO",
        "name",
        "DEBUG, INFO, WARNING, ERROR or CRITICAL: what is logged when nobody else set logging up.",
        choices=LOG_LEVELS,
    )

    def __post_init__(self) -> None:
        if self.token_secret and len(self.token_secret.encode()) < SECRET_BYTES:
            name = "CHAT_TOKEN_SECRET"
            raise BadSetting(f"{name} must have at least {SECRET_BYTES} bytes.", name)
        if self.webhook_url and not self.webhook_secret:
            name = "CHAT_WEBHOOK_SECRET"
            raise BadSetting(f"CHAT_WEBHOOK_URL needs {name}.", name)

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings from CHAT_* variables.

        Args:
            overrides: CHAT_* names to values, str or already typed; they win over the environment.
                Keys without the prefix are passed over, so that a whole Flask config may be given.

        Raises:
            BadSetting: a value does not fit its setting, or a CHAT_* name in `overrides` is none.
                One in the environment may be another program's and is only logged.
        """
        given = {k: v for k, v in (overrides or {}).items() if k.startswith(PREFIX)}
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        if unknown := given.keys() - known.keys():
            raise BadSetting(f"There is no setting {sorted(unknown)[0]}.", sorted(unknown)[0])
        for name in os.environ:
            if name.startswith(PREFIX) and name not in known:
                log.warning("there is no setting %s; see docs/operations.md", name)
        values = {}
        for name, spec in known.items():
            raw = given.get(name, os.environ.get(name))
            if raw is not None:
                values[spec.name] = _typed(name, spec, raw)
        return cls(**values)


def _typed(name: str, spec: Field[Any], raw: Any) -> Any:
    assert spec.default is not MISSING
    try:
        if isinstance(spec.default, tuple):
            parts = raw.split(",") if isinstance(raw, str) else raw
            return tuple(part.strip().rstrip("/") for part in parts if part.strip())
        value = type(spec.default)(raw)
    except (TypeError, ValueError):
        kind = type(spec.default).__name__
        raise BadSetting(f"{name} must be of type {kind}, not {raw!r}.", name) from None
    if (choices := spec.metadata["choices"]) and value not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {raw!r}.", name)
    least = spec.metadata["least"]
    if isinstance(value, float) and not math.isfinite(value):
        raise BadSetting(f"{name} must be a finite number, not {raw!r}.", name)
    if least is not None and not value >= least:
        raise BadSetting(f"{name} must be at least {least:g}, not {raw!r}.", name)
    return value
