"""What `flask chat doctor` finds, and what it says to do: in the database, at the start, and on the way in."""

from __future__ import annotations

import json
import socket
import sqlite3
import ssl
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from chat.commands.finding import Finding
from chat.commands.way_in import WayIn
from chat.config import Settings
from chat.people.tokens import Tokens
from tests.certificates import self_signed
from tests.commands import flask_chat
from tests.conftest import TOKEN_SECRET, Server, StartServer, new_database
from tests.postgres import Postgres
from tests.storage.conftest import begin_with_tables

SAFE = {"CHAT_AUTH": "required"}
SECRET = TOKEN_SECRET.encode()


def lines(output: str) -> dict[str, tuple[str, str]]:
    """Of each check its level and what was said, of several the last one."""
    return {line[6:18].strip(): (line[:5].strip(), line[19:]) for line in output.splitlines()}


def test_a_server_that_is_reached_as_it_should_be_passes_all_checks(server: Server) -> None:
    done = flask_chat("doctor", "--url", server.http, CHAT_HOSTS="127.0.0.1", **SAFE)
    found = lines(done.output)
    assert {check for check, (level, _) in found.items() if level not in ("ok", "skip")} == set(), done.output
    assert {"settings", "database", "migrations", "clock", "descriptors", "secret", "way in"} <= found.keys()
    assert {"ready", "hosts", "proxy", "upgrade", "token", "workers"} <= found.keys()
    assert done.exit_code == 0


class Behind(WayIn):
    """A way in through a proxy that changes the headers, and ends TLS."""

    def __init__(self, server: Server, url: str = "", secret: bytes = SECRET, **headers: str | None) -> None:
        super().__init__(url or server.http, Settings(), Tokens(secret, 60))
        self._server, self._headers = server, headers

    def _get(self, path: str, headers: dict[str, str] | None = None, stream: bool = False) -> requests.Response:
        sent = {"Host": self._url.partition("://")[2], **(headers or {}), **self._headers}
        options: dict[str, Any] = {"timeout": 10, "stream": stream, "headers": sent}
        return self._session.get(f"{self._server.http}{path}", **options)


def faults(way_in: WayIn) -> dict[str, str]:
    return {found.check: f"{found.said} {found.todo}" for found in way_in.findings() if found.level == "fail"}


def test_a_proxy_that_does_not_pass_upgrade_on_is_told(server: Server) -> None:
    [(check, said)] = faults(Behind(server, Upgrade=None, Connection="close")).items()
    assert check == "upgrade"
    assert said.startswith("A socket is refused with 426. The proxy does not pass on Upgrade")


def test_a_proxy_that_does_not_pass_host_on_is_told(server: Server) -> None:
    found = faults(Behind(server, Host="localhost:8000"))
    assert "Let the proxy pass on Host" in found["proxy"]
    assert found["upgrade"].startswith("A socket is refused with 403.")


def test_a_proxy_that_ends_tls_and_does_not_say_so_is_told(server: Server) -> None:
    found = faults(Behind(server, url=f"https://127.0.0.1:{server.port}"))
    assert "The server believes to be asked by ws. Let the proxy set X-Forwarded-Proto" in found["proxy"]


def test_a_name_that_the_server_does_not_know_is_told(server: Server) -> None:
    found = faults(Behind(server, url="http://chat.example.com"))
    assert found["hosts"] == "chat.example.com is not in CHAT_HOSTS. Add it, and restart."


def test_names_are_risky_where_any_is_served_and_not_where_only_this_machines_are(start_server: StartServer) -> None:
    levels = [
        {found.check: found.level for found in Behind(start_server(**settings)).findings()}["hosts"]
        for settings in ({}, {"CHAT_TRUSTED_PROXIES": "1"})
    ]
    assert levels == ["ok", "warn"]


@pytest.mark.slow
def test_a_certificate_that_nobody_trusts_is_told_with_the_reason_and_the_setting(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        way_in = WayIn(f"https://127.0.0.1:{listener.getsockname()[1]}", Settings(), Tokens(SECRET, 60))
        found: list[Finding] = []
        asking = threading.Thread(target=lambda: found.extend(way_in.findings()))
        asking.start()
        asked, _ = listener.accept()
        with asked, suppress(ssl.SSLError):
            tls.wrap_socket(asked, server_side=True)
        asking.join()
    [only] = found
    assert only.said.endswith(": TLS failed: self-signed certificate.")
    assert "REQUESTS_CA_BUNDLE" in only.todo


def test_another_secret_than_the_servers_is_told_and_a_fingerprint_tells_two_apart(server: Server) -> None:
    assert "Set the same CHAT_TOKEN_SECRET" in faults(Behind(server, secret=SECRET * 2))["token"]
    one, other = Tokens(SECRET, 60).fingerprint, Tokens(SECRET * 2, 60).fingerprint
    assert one != other
    assert one in flask_chat("doctor").output


def test_an_address_where_nobody_or_another_program_answers_fails_for_scripts(server: Server) -> None:
    done = flask_chat("doctor", "--url", "http://127.0.0.1:1", "--json")
    found = {one["check"]: one for one in json.loads(done.output)}
    assert found["way in"]["level"] == "fail"
    assert found["way in"]["said"] == "Nobody answers at http://127.0.0.1:1: no connection: Connection refused."
    assert found["way in"]["todo"]
    assert done.exit_code == 2
    way_in = WayIn(f"{server.http}/elsewhere", Settings(), Tokens(SECRET, 60))
    assert "must have the path" in faults(way_in)["way in"]


def test_what_the_server_itself_finds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"status": "not_ready", "checks": {"stopping": "ok", "database": "disk_full: Make room."}}
    way_in = WayIn("http://127.0.0.1:1", Settings(), Tokens(SECRET, 60))
    answer = requests.Response()
    answer.status_code, answer._content = 503, json.dumps(found).encode()
    monkeypatch.setattr(way_in, "_get", lambda *_, **__: answer)
    assert str(way_in._of_readiness()) == "fail  ready        database: disk_full: Make room."


def test_a_database_that_cannot_be_reached_is_told_in_a_sentence_with_the_drivers_reason() -> None:
    away = {"CHAT_DATABASE_URL": "postgresql+psycopg://chat@127.0.0.1:1/chat"}
    for words in (["stats"], ["list-users"], ["tokens"], ["disable-user", "alice"]):
        done = flask_chat(*words, **away)
        assert done.exit_code == 1
        [said] = [line for line in done.output.splitlines() if line]
        assert said.startswith("Error: The database fails: OperationalError: connection failed")
        assert "Connection refused" in said
    found = lines(flask_chat("doctor", **away).output)
    assert found["database"][0] == "fail"
    assert "Connection refused" in found["database"][1]


def test_what_is_only_risky_exits_with_one() -> None:
    done = flask_chat("doctor")
    assert done.exit_code == 1
    assert lines(done.output)["settings"][0] == "warn"


def test_it_writes_to_the_disk_which_may_be_full(tmp_path: Path) -> None:
    begin_with_tables(url := f"sqlite:///{tmp_path}/chat.db")
    with closing(sqlite3.connect(tmp_path / "chat.db")) as other:

        def version() -> int:
            found: int = other.execute("PRAGMA data_version").fetchone()[0]
            return found

        flask_chat("tokens", CHAT_DATABASE_URL=url)
        before = version()
        flask_chat("tokens", CHAT_DATABASE_URL=url)
        assert version() == before, "need another command to write nothing for this to mean anything"
        flask_chat("doctor", CHAT_DATABASE_URL=url)
        assert version() != before


def test_several_workers_without_a_bus_fail() -> None:
    done = flask_chat("doctor", "--workers", "4", **SAFE)
    assert lines(done.output)["workers"] == ("fail", "4 workers have no bus between them. Set CHAT_BUS_URL.")
    assert done.exit_code == 2


def test_a_database_without_tables_names_the_command_that_makes_them(postgres: Postgres) -> None:
    url = postgres.create_database(f"empty_{time.monotonic_ns()}")
    found = lines(flask_chat("doctor", CHAT_DATABASE_URL=url, **SAFE).output)
    assert found["migrations"][0] == "fail"
    assert found["migrations"][1].endswith("Run: flask chat init-db")
    assert "database" not in found
    for words in (["stats"], ["list-users"], ["check"], ["disable-user", "alice"], ["tokens"]):
        done = flask_chat(*words, CHAT_DATABASE_URL=url, **SAFE)
        assert (done.exit_code, "Run: flask chat init-db" in done.output) == (1, True), words


def test_postgres_connections_and_its_clock_are_looked_at(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_database(postgres)
    monkeypatch.setattr("chat.storage.diagnosis.time", SimpleNamespace(time=lambda: time.time() + 60))
    found = lines(flask_chat("doctor", "--workers", "1000", CHAT_DATABASE_URL=url, **SAFE).output)
    assert found["database"][0] == found["migrations"][0] == "ok"
    assert found["connections"][0] == "fail"
    assert "max_connections" in found["connections"][1]
    level, said = found["clock"]
    assert (level, said.split(" s ahead")[0].split()[-1][:2]) == ("fail", "60")
