"""Owns `flask chat doctor`: what is risky or broken, a line each, and what to do."""

import json
import math
from collections.abc import Iterator

import click

from chat.bus.diagnosis import look_at
from chat.commands.finding import EXIT_CODES, FAIL, LEVELS, OK, SKIP, WARN, Finding
from chat.commands.group import chat_cli, this_chat
from chat.commands.way_in import WayIn
from chat.config import Settings
from chat.errors import Unavailable, WrongTables
from chat.server import ChatServer
from chat.storage import migrate
from chat.storage.diagnosis import clock_is_ahead, connections_of
from chat.storage.failures import LOG_SAYS_WHY, log_text

SPARE_FILES = 100  # descriptors beside those of sockets: the database's, the log, connections that are no sockets yet
CONNECTIONS_OF_A_WORKER = 6  # to PostgreSQL: one that writes, one of the lease, and readers
ECHO_WARN_SECONDS = 0.1  # of the bus; a message to another worker takes so long
BUFFER_BYTES = 8_388_608  # a burst of messages for all users of a worker
LONG_SECONDS = 31 * 24 * 3600  # that a token is valid: whoever gets hold of it is its user for so long
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 2, 30  # a token is refused that is from the future


@chat_cli.command("doctor")
@click.option("--url", help="The chat's public address. Without it CHAT_URL, if that is set.")
@click.option("--workers", type=click.IntRange(1), help="On all machines. Without it as many as the server says.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def doctor(url: str | None, workers: int | None, as_json: bool) -> None:
    """Look at settings, database and the way in, a line each: ok, warn or fail, and what to do.

    Exits with 0, with 1 where it warns, with 2 where something fails.
    """
    chat = this_chat()
    findings = []
    for finding in _examined(chat, url, workers):
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False, indent=2))
    worst = max(findings, key=lambda finding: LEVELS.index(finding.level)).level
    raise SystemExit(EXIT_CODES[worst])


def _examined(chat: ChatServer, url: str | None, workers: int | None) -> Iterator[Finding]:
    found = risks(chat.settings)
    yield from (Finding(WARN, "settings", risk) for risk in found)
    if not found:
        yield Finding(OK, "settings", "Nothing risky is set.")
    yield from _of_database(chat)
    yield _of_files(chat.settings)
    yield Finding(OK, "secret", f"Its fingerprint is {chat.tokens.fingerprint}: it must be the same on each machine.")
    if url is None and chat.settings.url.startswith(Settings.url):
        yield Finding(SKIP, "way in", "Not looked at.", "Give --url https://chat.example.com, or set CHAT_URL.")
    else:
        way_in = WayIn(url or chat.settings.url, chat.settings, chat.tokens)
        yield from way_in.findings()
        workers = workers or way_in.workers
    yield from _of_workers(chat, workers)
    yield _of_bus(chat.settings.bus_url)


def risks(settings: Settings) -> list[str]:
    """Return what is risky in the settings, a sentence each, the worst first."""
    found = []
    if settings.is_open:
        found.append(
            "CHAT_AUTH=open: anybody takes a name that has no password, and reads what was written to it. "
            "Right for a class or a trial; on the internet set CHAT_AUTH=required."
        )
    elif settings.signup == "open" and settings.token_secret:
        found.append(
            "CHAT_SIGNUP=open with CHAT_TOKEN_SECRET: a stranger may make the name of a user of yours, before your "
            "first token names them. Set CHAT_SIGNUP=closed, and make accounts with flask chat add-user."
        )
    elif settings.signup == "open":
        found.append("CHAT_SIGNUP=open: anybody who reaches the server makes an account. CHAT_SIGNUP=closed ends that.")
    if "*" in settings.origins:
        found.append(
            "CHAT_ORIGINS=*: the pages of every site may open a socket, and use the API. Name those that you know."
        )
    if settings.rate_limits == "off":
        found.append("CHAT_RATE_LIMITS=off: one client can take the whole server. It is for a benchmark.")
    if settings.token_ttl > LONG_SECONDS:
        found.append("CHAT_TOKEN_TTL: a token is valid for more than a month, and whoever has it is its user.")
    return found


def _of_database(chat: ChatServer) -> Iterator[Finding]:
    database = chat.storage.database
    try:
        migrate.check(database.engine)
    except WrongTables as error:  # PostgreSQL's, until `init-db` has run: without tables all else fails
        yield Finding(FAIL, "migrations", str(error))
        return
    except Unavailable:  # as is found below
        pass
    database.can_write()  # to the disk, which may be full; what is only tried and rolled back does not notice
    for check, fault in chat.storage.health.faults().items():
        if fault:
            if database.write_error:  # there is no log here
                fault = fault.replace(LOG_SAYS_WHY, log_text(database.write_error))
            yield Finding(FAIL, check, fault)
        else:
            yield Finding(OK, check, "It can be read and written." if check == "database" else "All are there.")
    if (ahead := clock_is_ahead(database)) is None:  # the line above says why
        return
    level = FAIL if abs(ahead) > CLOCK_FAIL_SECONDS else WARN if abs(ahead) > CLOCK_WARN_SECONDS else OK
    said = f"This machine's is {abs(ahead):.1f} s {'ahead of' if ahead >= 0 else 'behind'} the database's."
    yield Finding(level, "clock", said, "" if level == OK else "Let both keep the time by NTP.")


def _of_files(settings: Settings) -> Finding:
    most = _most_files()
    needed = settings.max_sockets + SPARE_FILES
    said = f"Processes started as this one may have {most} file descriptors; CHAT_MAX_SOCKETS needs {needed}."
    if most >= needed:
        return Finding(OK, "descriptors", said)
    return Finding(
        WARN, "descriptors", said, "Raise it (ulimit -Hn, systemd's LimitNOFILE), or lower CHAT_MAX_SOCKETS."
    )


def _most_files() -> float:
    try:
        import resource
    except ImportError:  # Windows, which knows no such bound
        return math.inf
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if hard == resource.RLIM_INFINITY else hard


def _of_workers(chat: ChatServer, workers: int | None) -> Iterator[Finding]:
    if workers is None:
        yield Finding(SKIP, "workers", "How many there are is not known.", "Give --workers, or --url.")
        return
    if workers > 1 and not chat.settings.bus_url:
        yield Finding(FAIL, "workers", f"{workers} workers have no bus between them.", "Set CHAT_BUS_URL.")
    else:
        yield Finding(OK, "workers", "There is one." if workers == 1 else f"{workers} workers share a bus.")
    if found := connections_of(chat.storage.database):
        needed = workers * CONNECTIONS_OF_A_WORKER
        said = f"Workers take up to {needed} connections, and PostgreSQL has {found.most}; {found.used} are open."
        if needed > found.most:
            yield Finding(FAIL, "connections", said, "Raise max_connections, or put pgbouncer in between.")
        else:
            yield Finding(OK, "connections", said)


def _of_bus(url: str) -> Finding:
    if not url:
        return Finding(SKIP, "bus", "CHAT_BUS_URL is not set: there is none.")
    try:
        seen = look_at(url)
    except Unavailable as error:
        return Finding(FAIL, "bus", error.message, "Start Redis, or set CHAT_BUS_URL.")
    if seen.echo_seconds is None:
        todo = "Let its user PUBLISH and SUBSCRIBE in all channels: ACL SETUSER ... allchannels."
        return Finding(FAIL, "bus", "Redis does not pass on what is published.", todo)
    said = f"Redis {seen.version} passes on in {seen.echo_seconds * 1000:.1f} ms."
    if seen.echo_seconds > ECHO_WARN_SECONDS:
        return Finding(WARN, "bus", said, "Have it nearer, or give it a core.")
    if seen.buffer_bytes is not None and 0 < seen.buffer_bytes < BUFFER_BYTES:
        said = f"Redis cuts off a worker for which {seen.buffer_bytes} bytes wait."
        return Finding(WARN, "bus", said, "Set client-output-buffer-limit pubsub 32mb 8mb 60.")
    return Finding(OK, "bus", said)
