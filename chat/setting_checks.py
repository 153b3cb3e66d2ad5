"""Owns the rules of settings that are addresses: origins, hosts, URLs. A value that cannot be used stops the start."""

import ipaddress
import re
from functools import lru_cache
from importlib.util import find_spec
from sqlite3 import sqlite_version_info
from urllib.parse import SplitResult, urlsplit

from chat.errors import BadSetting

# No sandboxed frame gets in by a value that cannot be read: a browser sends `Origin: null` for such a frame.
_HOST = re.compile(r"(?:[\w-]+\.)*[\w-]+|\[[0-9a-fA-F:.]+\]")
MOST_PORT = 65_535
LOGIN_URL = "CHAT_LOGIN_URL"
NEEDED_SQLITE = (3, 35)  # for RETURNING
DATABASES = "Write sqlite:///path/of/chat.db or postgresql+psycopg://user@host/name."


def check_bind(bind: str) -> None:
    """Check CHAT_BIND."""
    host, _, port = bind.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or int(port) > MOST_PORT:
        raise BadSetting(
            f"CHAT_BIND must be an address and a port, such as 127.0.0.1:8000 or [::1]:8000, not {bind!r}.", "CHAT_BIND"
        )


def check_origin(origin: str) -> None:
    """Check an entry of CHAT_ORIGINS."""
    name = "CHAT_ORIGINS"
    if origin in ("*", "null"):  # null: what a page from a file says, and any sandboxed frame
        return
    parts = _split(origin)
    if parts is None or not parts.scheme or not _HOST.fullmatch(parts.netloc.removesuffix(f":{parts.port}")):
        raise BadSetting(
            f"{name}: {origin!r} is no origin. Write scheme://host or scheme://host:port, such as "
            "https://example.com, each site by itself, or * for all.",
            name,
        )
    if parts.path or parts.query or parts.fragment:
        raise BadSetting(f"{name}: {origin!r} must end after the host or the port.", name)
    _check_ascii(str(parts.hostname), name)


def check_host(host: str, name: str = "CHAT_HOSTS") -> None:
    """Check an entry of CHAT_HOSTS, or of another setting that names hosts."""
    if host != "*" and not _HOST.fullmatch(host):
        raise BadSetting(
            f"{name}: {host!r} is no host. Write names such as chat.example.com, without scheme and port, or * "
            "for all.",
            name,
        )
    _check_ascii(host, name)


def port_of(port: str, name: str) -> int:
    """Return the port that a text names. Raises BadSetting: it names none."""
    if not port.isdecimal() or int(port) > MOST_PORT:
        raise BadSetting(f"{name} must be a port, a number from 0 to {MOST_PORT}, not {port!r}.", name)
    return int(port)


def check_url(name: str, url: str) -> SplitResult:
    """Check that something can be sent to a URL by HTTP."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or any(sign.isspace() for sign in url):
        path = "/path, " if name == LOGIN_URL else ""
        raise BadSetting(f"{name} must be {path}https://host/path or http://host/path, not {url!r}.", name)
    return parts


def check_login_url(url: str) -> None:
    """Check CHAT_LOGIN_URL: a path of the site, or a URL."""
    if not re.match(r"/(?![/\\])", url) or any(sign.isspace() for sign in url):
        check_url(LOGIN_URL, url)


def check_webhook(url: str, http_anywhere: bool) -> None:
    """Refuse a URL that nothing can be posted to, or where messages would cross a network as plain text."""
    name = "CHAT_WEBHOOK_URL"
    parts = check_url(name, url)
    if parts.scheme == "http" and not http_anywhere and not is_loopback(str(parts.hostname)):
        raise BadSetting(
            f"{name} leads to {parts.hostname} without TLS: write https://, or set CHAT_WEBHOOK_HTTP=anywhere if the "
            "network between is yours.",
            name,
        )


def check_database_url(url: str) -> None:
    """Refuse what would not be a database of this program's, or not be kept. Empty: SQLite, in the instance folder."""
    name = "CHAT_DATABASE_URL"
    scheme, found, rest = url.partition("://")
    if scheme in ("", "sqlite", "sqlite+pysqlite") and sqlite_version_info < NEEDED_SQLITE:
        raise BadSetting(
            f"{name} means SQLite, of which this Python has {_dotted(sqlite_version_info)}, and {_dotted(NEEDED_SQLITE)} or "
            "newer is needed: take another Python, or PostgreSQL.",
            name,
        )
    if not url:
        return
    if scheme in ("postgres", "postgresql"):
        raise BadSetting(f"{name} must begin with postgresql+psycopg://, not with {scheme}://.", name)
    if not found or scheme not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise BadSetting(f"{name} is of no database that is known here. {DATABASES}", name)
    path = rest.partition("?")[0].lstrip("/")
    if scheme.startswith("sqlite") and path in ("", ":memory:"):
        raise BadSetting(f"{name}: a database in memory keeps nothing. {DATABASES}", name)
    if scheme.startswith("sqlite") and path.startswith("file:"):  # whose file could not be watched
        raise BadSetting(f"{name}: name SQLite's file by its path, not by a URI. {DATABASES}", name)


def check_bus_url(url: str) -> None:
    """Refuse what is no address of a Redis, or needs a package that is missing."""
    name = "CHAT_BUS_URL"
    parts = _split(url)
    if not url.startswith("unix:///") and (parts is None or parts.scheme not in ("redis", "rediss")):
        raise BadSetting(f"{name} must be redis://host:6379, rediss://host:6379 or unix:///path/of/redis.sock.", name)
    if any(find_spec(package) is None for package in ("redis", "hiredis")):
        raise BadSetting(f'{name} needs packages of its own: pip install "flask-chat-server[redis]"', name)


@lru_cache(1_000)  # each upgrade asks twice
def is_loopback(host: str) -> bool:
    """Whether a name or an address, in brackets or not, stands for this machine (RFC 6761, section 6.3)."""
    host = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name
        return host == "localhost" or host.endswith(".localhost")


def _check_ascii(host: str, name: str) -> None:
    """Refuse a host that no request would name: browsers send other letters as xn--... (RFC 5890)."""
    if not host.isascii():
        try:
            sent = host.encode("idna").decode()
        except UnicodeError:  # too long, or letters that no name may have
            sent = "in ASCII"
        raise BadSetting(f"{name}: write {host!r} as browsers send it, {sent}.", name)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _split(url: str) -> SplitResult | None:
    """None: it has no host, or a port out of range."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and (parts.port is None or parts.port > 0) else None
    except ValueError:
        return None
