"""deploy/ without containers: the same files, started with other ports and paths."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from tests.certificates import self_signed
from tests.conftest import ROOT, TOKEN_SECRET, Server, StartServer
from tests.deploy.test_files import DEPLOY, compose
from tests.redis import Redis
from tests.storage.conftest import begin_with_tables
from tests.transport.peers import RawClient

SECONDS = 60
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PER_ADDRESS = 30  # in place of 2,000
BEHIND_NGINX = {"CHAT_TRUSTED_PROXIES": "1", "CHAT_HOSTS": "127.0.0.1"}


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """deploy/nginx.conf before these servers."""

    def __init__(self, folder: Path, servers: list[Server]) -> None:
        self.certificate, key = self_signed(folder)
        self.port, plain = free_ports(2)
        self.plain, self.https = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{self.port}"
        text = (DEPLOY / "nginx.conf").read_text("utf-8")
        names = re.findall(r"\bserver (chat\d:8000) ", text)
        assert len(names) == len(servers)
        replaced = {"/tmp/": f"{folder}/"}
        replaced |= {name: f"127.0.0.1:{server.port}" for name, server in zip(names, servers, strict=True)}
        replaced |= {"listen 80 ": f"listen 127.0.0.1:{plain} ", "listen 443 ": f"listen 127.0.0.1:{self.port} "}
        replaced |= {"/etc/nginx/certs/chat.pem": str(self.certificate), "/etc/nginx/certs/chat.key": str(key)}
        replaced |= {"limit_conn address 2000;": f"limit_conn address {PER_ADDRESS};"}
        for old, new in replaced.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        subprocess.run([*command[:3], "-t"], check=True, capture_output=True)
        with (folder / "nginx.log").open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log)
        until = time.monotonic() + SECONDS
        while not _listens(self.port):
            assert time.monotonic() < until
            time.sleep(0.02)
        self.tls = ssl.create_default_context(cafile=self.certificate)

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(f"{self.https}{path}", verify=str(self.certificate), timeout=SECONDS, **options)  # type: ignore[arg-type]

    def person(self, name: str) -> RawClient:
        """A socket of this user. The sync client of `websockets` now and then never sends its request over TLS."""
        return RawClient(self.port, name, tls=self.tls, path="/ws")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(SECONDS)


@pytest.fixture
def behind(tmp_path: Path, start_server: StartServer) -> Iterator[tuple[Nginx, list[Server]]]:
    """nginx before two workers with one database and one bus."""
    for name, found in (("nginx", NGINX), ("redis-server", shutil.which("redis-server"))):
        if found is None:
            pytest.skip(f"{name} is not installed (Debian: apt-get install {name})")
    redis = Redis()
    redis.start()
    shared = {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db", "CHAT_BUS_URL": redis.url}
    begin_with_tables(shared["CHAT_DATABASE_URL"])
    servers = [start_server(**BEHIND_NGINX, **shared) for _ in range(2)]
    nginx = Nginx(tmp_path, servers)
    yield nginx, servers
    nginx.stop()
    redis.stop()


@pytest.mark.slow
def test_nginx_passes_pages_sockets_and_streams_on_and_a_socket_goes_to_who_has_the_fewest(
    behind: tuple[Nginx, list[Server]],
) -> None:
    nginx, servers = behind
    page = nginx.get("/")
    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    redirected = requests.get(f"{nginx.plain}/x?y=1", allow_redirects=False, timeout=SECONDS)
    assert (redirected.status_code, redirected.headers["Location"]) == (308, "https://127.0.0.1/x?y=1")
    assert nginx.get("/metrics").status_code == 404
    assert nginx.get("/healthz").status_code == nginx.get("/readyz").status_code == 200
    assert nginx.get("/", headers={"Host": "elsewhere.example"}).status_code == 421

    with contextlib.ExitStack() as stack:
        people = [stack.enter_context(nginx.person(f"p{n}")) for n in range(20)]
        assert [server.log.count("chat connect") for server in servers] == [10, 10]
        for number, (person, other) in enumerate(itertools.pairwise(people), start=1):
            person.send(type="chat", toUserId=f"p{number}", message="hi", ref=1)
            assert person.receive("ack")["delivered"] is True
            assert other.receive("chat")["message"] == "hi"
        people += [stack.enter_context(nginx.person(f"q{n}")) for n in range(PER_ADDRESS - len(people))]
        assert nginx.get("/").status_code == 429
    until = time.monotonic() + SECONDS
    while (page := nginx.get("/")).status_code != 200:  # until nginx has seen them leave
        assert (page.status_code, time.monotonic() < until) == (429, True)

    session = requests.post(
        f"{nginx.https}/api/session", json={"userId": "alice"}, verify=str(nginx.certificate), timeout=SECONDS
    )
    token = {"Authorization": f"Bearer {session.json()['token']}"}
    with nginx.get("/api/notifications/stream", headers=token, stream=True) as stream:
        assert next(stream.iter_lines()).startswith(b"retry:"), "what is gathered would not come before the end"


@pytest.mark.slow
def test_who_is_sent_away_by_one_worker_is_taken_in_by_the_other(behind: tuple[Nginx, list[Server]]) -> None:
    nginx, servers = behind
    people = {f"p{n}": nginx.person(f"p{n}") for n in range(10)}
    servers[0].end()
    sent_away = [person for name, person in people.items() if f"init user={name!r}" in servers[0].log]
    assert len(sent_away) == 5
    for person in sent_away:
        assert 1 <= person.receive("restart")["retryAfter"] <= 2
        assert person.close_code() == 1012
    name, stayed = next((name, person) for name, person in people.items() if person not in sent_away)
    for _ in range(2 * len(sent_away)):  # before and after its port is closed: none is sent to it in vain
        with nginx.person("back") as back:
            back.send(type="chat", toUserId=name, message="still here", ref=1)
            assert back.receive("ack")["delivered"] is True
            assert stayed.receive("chat")["message"] == "still here"
    for person in people.values():
        person.sock.close()


@pytest.mark.slow
def test_the_image_has_all_that_its_command_needs_and_writes_nothing_into_itself(tmp_path: Path) -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    image, [port] = tmp_path / "image", free_ports(1)
    image.mkdir()
    for line in re.findall(r"^COPY (?!--from|requirements)(.+)$", dockerfile, re.M):
        *sources, target = shlex.split(line)
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, image / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, image / target)
    env = dict(pair.split("=", 1) for pair in shlex.split(re.search(r"^ENV (.+)$", dockerfile, re.M)[1]))  # type: ignore[index]
    env |= {"PATH": os.environ["PATH"], "CHAT_BIND": f"127.0.0.1:{port}", "CHAT_TOKEN_SECRET": TOKEN_SECRET}
    env |= {"CHAT_DATABASE_URL": f"sqlite:///{tmp_path}/chat.db"}
    command = yaml.safe_load(re.search(r"^CMD (\[.+\])$", dockerfile, re.M)[1])  # type: ignore[index]
    before = sorted(image.rglob("*"))
    assert len(before) > 100, "need files for this to mean anything"
    with subprocess.Popen([sys.executable, "-m", *command], cwd=image, env=env, stderr=subprocess.PIPE) as process:
        try:
            assert _health(dockerfile, port) == 0
            assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS).json()["status"] == "ready"
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=SECONDS).status_code == 200
        finally:
            process.terminate()
            _, said = process.communicate(timeout=SECONDS)
    assert b"Traceback" not in said, said
    assert sorted(image.rglob("*")) == before


def _health(dockerfile: str, port: int) -> int:
    """Ask as the image's HEALTHCHECK does, until it says yes."""
    [said] = re.findall(r"^HEALTHCHECK .*\\\n  CMD (\[.+\])$", dockerfile, re.M)
    _, *arguments = yaml.safe_load(said.replace(":8000", f":{port}"))
    until = time.monotonic() + SECONDS
    while (
        failed := subprocess.run([sys.executable, *arguments], capture_output=True, timeout=SECONDS).returncode
    ) and time.monotonic() < until:
        time.sleep(0.2)
    return failed


@pytest.mark.slow
def test_the_bus_of_compose_asks_for_its_password(tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian: apt-get install redis-server)")
    [port] = free_ports(1)
    *shell, script = compose()["services"]["redis"]["command"]
    command = [*shell, f"{script.replace('$$', '$')} --port {port} --bind 127.0.0.1"]
    env = {**os.environ, "REDISCLI_AUTH": "a password"}
    ask = ["redis-cli", "-p", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) as redis:
        try:
            until = time.monotonic() + SECONDS
            while b"PONG" not in subprocess.run([*ask, "ping"], env=env, capture_output=True).stdout:
                assert time.monotonic() < until
                time.sleep(0.05)
            refused = subprocess.run([*ask, "ping"], capture_output=True).stdout
            limit = subprocess.run([*ask, "config", "get", "client-output-buffer-limit"], env=env, capture_output=True)
        finally:
            redis.terminate()
    assert b"NOAUTH" in refused
    assert b"pubsub 67108864 33554432 60" in limit.stdout
