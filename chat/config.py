"""Owns every setting once: its name, default, unit and meaning. No other file reads the environment."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from chat import setting_checks
from chat.errors import BadSetting

log = logging.getLogger("chat")

PREFIX = "CHAT_"
SECRET_BYTES = 32  # of a token's secret: as long as the hash, RFC 7518, section 3.2
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
KINDS = {int: "a whole number", float: "a number", tuple: "text or a list"}
# The largest numbers, by unit. A longer timer fires at once in browsers (2^31 ms), a later date is none in a database.
MOST = {"seconds": 86_400, "days": 36_500}
MOST_OF_OTHERS = 1_000_000_000_000


def _setting(
    default: Any,
    unit: str,
    meaning: str,
    least: float | None = None,
    choices: tuple[str, ...] = (),
    shown: bool = True,
    most: int | None = None,
) -> Any:
    most = most or MOST.get(unit, MOST_OF_OTHERS)
    metadata = {"unit": unit, "meaning": meaning, "least": least, "most": most, "choices": choices}
    return field(default=default, repr=shown, metadata=metadata)


def _choice(default: str, choices: tuple[str, ...], meaning: str) -> Any:
    return _setting(default, " or ".join(choices), meaning, choices=choices)


def _limit(default: int, unit: str, meaning: str) -> Any:
    return _setting(default, unit, f"{meaning} 0: no limit.", least=0)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set. The variable for `max_sockets` is CHAT_MAX_SOCKETS, and so on."""

    bind: str = _setting(
        "",
        "address:port",
        "Where make run, gunicorn and python app.py listen; 0.0.0.0:8000 is on all addresses of this machine. Empty: on "
        "127.0.0.1, at PORT or 8000.",
    )
    origins: tuple[str, ...] = _setting(
        (),
        "origins, separated by commas",
        "Other sites whose pages may open a socket here, and use the API, such as https://example.com; * allows all.",
    )
    hosts: tuple[str, ...] = _setting(
        (),
        "names, separated by commas",
        "Under which the chat is served, such as chat.example.com; * allows all. Empty: on this machine's own "
        "addresses and without a proxy its own names, elsewhere all, with a warning.",
    )
    avatar_hosts: tuple[str, ...] = _setting(
        (),
        "names, separated by commas",
        "Whose pictures the page may show as faces, over https, such as cdn.example.com; * allows all. Whoever runs such a "
        "host sees the addresses of those who look. Empty: this site's own.",
    )
    max_sockets: int = _setting(15_000, "sockets a worker", "Further upgrades are answered 503.", least=1)
    max_message_bytes: int = _setting(65_536, "bytes", "A longer message closes its socket with 1009.", least=125)
    max_fragments: int = _setting(1_024, "frames a message", "More of them close the socket with 1009.", least=1)
    outbox_bytes: int = _setting(
        1_048_576, "bytes a socket", "What may wait for a slow reader; beyond it 4008 closes the socket.", least=1_024
    )
    heartbeat_seconds: float = _setting(
        25.0, "seconds", "After so much silence a ping is sent; a peer that leaves two unanswered is closed.", least=1.0
    )
    init_seconds: float = _setting(10.0, "seconds", "Until a socket without init is closed with 4502.", least=1.0)
    presence_seconds: float = _setting(
        5.0, "seconds", "How long somebody whose last socket is gone still counts as being there.", least=0.0
    )
    close_seconds: float = _setting(10.0, "seconds", "Until a closed peer that does not hang up is cut off.", least=0.1)
    stop_seconds: float = _setting(5.0, "seconds", "How long a worker that stops may say goodbye.", least=0.1)
    database_url: str = _setting(
        "",
        "URL",
        "SQLAlchemy's: SQLite, or postgresql+psycopg://... Empty: chat.db in Flask's instance folder.",
        shown=False,
    )
    bus_url: str = _setting(
        "",
        "URL",
        "Redis, through which several workers pass on what is sent: redis://host:6379, rediss:// with TLS, unix:///path "
        "of its socket; name:password@ before the host. Empty: one worker serves.",
        shown=False,
    )
    journal_records: int = _setting(
        20_000, "records", "How many may wait to be stored; further messages are answered busy.", least=1
    )
    token_secret: str = _setting(
        "",
        "text of at least 32 bytes",
        "What tokens are signed with; whoever knows it can sign in as anybody. Empty: 32 random bytes, "
        "made once and kept in the file token_secret in Flask's instance folder.",
        shown=False,
    )
    token_ttl: int = _setting(
        7 * 24 * 3600, "seconds", "How long a token is valid.", least=1, most=10 * 365 * 24 * 3600
    )
    auth: str = _choice(
        "",
        ("open", "required"),
        "open: a name without a password is anybody's. required: everybody signs in with a password. Not set: as the site "
        "says where it declares chat.identify; else open.",
    )
    login_url: str = _setting(
        "",
        "path or URL",
        "Where the page of a site with chat.identify leads who is not signed in. Empty: to Flask-Login's login_view.",
    )
    signup: str = _choice(
        "",
        ("open", "closed"),
        "With CHAT_AUTH=required, whether people make accounts for new names; closed: flask chat add-user does. "
        "Not set: closed where CHAT_TOKEN_SECRET is set, since another application names users there; else open.",
    )
    trusted_proxies: int = _setting(
        0, "proxies", "How many stand before this server: so many entries of X-Forwarded-For are believed.", least=0
    )
    rate_limits: str = _choice("on", ("on", "off"), "off switches all of the limits below off, for a benchmark.")
    # Of what is counted by the second, four seconds' worth may come at once.
    events_per_second: int = _limit(200, "events a socket and second", "Further events are answered rate_limited.")
    frames_per_second: int = _limit(
        800, "frames a socket and second", "More, pings and fragments too, close the socket with 4009."
    )
    bytes_per_second: int = _limit(524_288, "bytes a socket and second", "More close the socket with 4009.")
    messages_per_minute: int = _limit(1_200, "messages a user and minute", "Further ones are answered rate_limited.")
    strangers_bytes_per_second: int = _limit(
        131_072,
        "bytes a receiver and second",
        "What reaches somebody online from people they have not answered lately; they are answered rate_limited.",
    )
    stored_bytes_per_minute: int = _limit(
        16_777_216, "bytes an address and minute", "Further messages are answered rate_limited."
    )
    stored_bytes_per_day: int = _limit(
        1_073_741_824, "bytes a user and day", "Further messages are answered rate_limited."
    )
    sockets_per_user: int = _limit(
        50, "sockets a user", "The init of a further one is answered rate_limited, and the socket closed with 4009."
    )
    sockets_per_address: int = _limit(
        2_000, "sockets an address", "Further upgrades are answered 429. A network of IPv6 (/64) counts as one."
    )
    upgrades_per_minute: int = _limit(3_000, "upgrades an address and minute", "Further ones are answered 429.")
    requests_per_minute: int = _limit(3_000, "requests an address and minute", "Further ones are answered 429.")
    url: str = _setting(
        "http://127.0.0.1:8000", "URL", "Where other processes find the server, with the path it is mounted at."
    )
    notification_days: int = _setting(
        90,
        "days",
        "One that was seen, dismissed or has expired is deleted so long after it was made. 0: never.",
        least=0,
    )
    message_days: int = _setting(0, "days", "A message is erased so long after it was sent. 0: never.", least=0)
    webhook_url: str = _setting("", "URL", "Who is told of what somebody misses who is offline. Empty: nobody.")
    webhook_secret: str = _setting(
        "", "text", "What the webhook's requests are signed with; needed with CHAT_WEBHOOK_URL.", shown=False
    )
    webhook_http: str = _choice(
        "loopback",
        ("loopback", "anywhere"),
        "Where CHAT_WEBHOOK_URL may lead without TLS. anywhere: messages cross the network as plain text.",
    )
    scripts: str = _choice(
        "joined",
        ("joined", "separate"),
        "joined: the page loads one script. separate: module by module, to read them, as in Flask's debug mode.",
    )
    learn: str = _choice(
        "",
        ("on", "off"),
        "Whether /learn is there, with the lesson's events. Not set: where it listens on a loopback address, without a proxy.",
    )
    testing: str = _choice(
        "",
        ("on", "off"),
        "on: for a site's tests. Nothing leaves the process, no thread is started, and a temporary database is used; "
        "no socket is served. Not set: as Flask's TESTING says.",
    )
    log: str = _choice("text", ("text", "json"), "How a line is written there. json: an object a line.")
    log_level: str = _setting(
        "INFO", "name", "The least that is logged where nobody else set logging up.", choices=LOG_LEVELS
    )

    def __post_init__(self) -> None:
        if self.token_secret and len(self.token_secret.encode()) < SECRET_BYTES:
            raise BadSetting(f"CHAT_TOKEN_SECRET must have at least {SECRET_BYTES} bytes.", "CHAT_TOKEN_SECRET")
        if not self.signup:
            object.__setattr__(self, "signup", "closed" if self.token_secret else "open")
        if self.bind:
            setting_checks.check_bind(self.bind)
        for origin in self.origins:
            setting_checks.check_origin(origin)
        for host in self.hosts:
            setting_checks.check_host(host)
        for host in self.avatar_hosts:
            setting_checks.check_host(host, "CHAT_AVATAR_HOSTS")
        setting_checks.check_url("CHAT_URL", self.url)
        if self.login_url:
            setting_checks.check_login_url(self.login_url)
        setting_checks.check_database_url(self.database_url)
        if self.bus_url:
            setting_checks.check_bus_url(self.bus_url)
        if self.webhook_url:
            setting_checks.check_webhook(self.webhook_url, self.webhook_http == "anywhere")
            if not self.webhook_secret:
                raise BadSetting("CHAT_WEBHOOK_URL needs CHAT_WEBHOOK_SECRET.", "CHAT_WEBHOOK_SECRET")

    def in_force(self, limit: int) -> int:
        """Return a limit as it counts: 0, none, where CHAT_RATE_LIMITS switches all of them off."""
        return limit if self.rate_limits == "on" else 0

    @property
    def is_open(self) -> bool:
        """Whether a name without a password is anybody's."""
        return self.auth in ("", "open")

    def of_site(self) -> Settings:
        """Return these where the site says who is there. Raises BadSetting: they say that anybody may be anybody."""
        if self.auth == "open":
            raise BadSetting(
                "CHAT_AUTH=open does not go with chat.identify, by which the site says who is there: leave one of them out.",
                "CHAT_AUTH",
            )
        return replace(self, auth="site", signup="closed")

    @property
    def address(self) -> tuple[str, int]:
        """Where `python app.py` listens: host and port. Raises BadSetting: PORT is no port."""
        host, _, port = (self.bind or f"127.0.0.1:{os.environ.get('PORT') or 8000}").rpartition(":")
        return host.strip("[]"), setting_checks.port_of(port, "PORT")

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings from CHAT_* variables.

        `overrides`: CHAT_* names to values, str or already typed; they win over the environment. Keys without the
        prefix are passed over, so that a whole Flask config may be given.

        Raises BadSetting: a value does not fit its setting, or a CHAT_* name in `overrides` is none. One in the
        environment may be another program's and is only logged.
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
            if (raw := given.get(name, os.environ.get(name))) is not None:
                values[spec.name] = _typed(name, spec, raw)
        return cls(**values)


def _typed(name: str, spec: Field[Any], raw: Any) -> Any:
    default: Any = spec.default
    choices, least, most = (spec.metadata[key] for key in ("choices", "least", "most"))
    try:
        if isinstance(default, tuple):
            parts = raw.split(",") if isinstance(raw, str) else raw
            return tuple(part.strip().rstrip("/").lower() for part in parts if part.strip())
        value = type(default)(raw)
    except (TypeError, ValueError):
        raise BadSetting(f"{name} must be {KINDS[type(default)]}, not {raw!r}.", name) from None
    if isinstance(raw, bool) and "on" in choices:  # as a Flask config says it
        value = "on" if raw else "off"
    if choices and value not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}, not {raw!r}.", name)
    if isinstance(value, float) and not math.isfinite(value):
        raise BadSetting(f"{name} must be a finite number, not {raw!r}.", name)
    if least is not None and value < least:
        raise BadSetting(f"{name} must be at least {least:g}, not {raw!r}.", name)
    if isinstance(value, int | float) and value > most:
        raise BadSetting(f"{name} must be at most {most}, not {raw!r}.", name)
    return value
