"""deploy/: each file by its own tool, and what they say to each other. test_running.py starts what they start."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chat.config import Settings
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
EXPOSURE = 20  # of 100, as systemd-analyze counts; a service that says nothing has 96
GUNICORN = runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8")))


def settings_of_the_unit() -> dict[str, str]:
    """What deploy/chat.env.example sets, and offers behind a #."""
    return dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (DEPLOY / "chat.env.example").read_text("utf-8"), re.M))


# The tools. nginx tests its file when it is started.


@pytest.mark.slow
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert run(tool("hadolint"), DEPLOY / "Dockerfile") == ""


@pytest.mark.slow
def test_the_compose_file_fits_the_schema_of_compose() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


@pytest.mark.slow
def test_systemd_finds_nothing_in_the_unit_and_little_that_an_intruder_could_do(tmp_path: Path) -> None:
    unit = tmp_path / "chat.service"
    gunicorn = Path(sys.executable).with_name("gunicorn")
    text = (DEPLOY / "chat.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/chat/.venv/bin/gunicorn", str(gunicorn)).replace("/opt/chat", str(ROOT)))
    assert run(tool("systemd-analyze"), "verify", unit) == ""
    run(tool("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSURE}", unit)


# What they say.


def test_no_secret_stands_in_a_file_and_a_missing_one_ends_the_start() -> None:
    found = re.findall(r"(\w*(?:PASSWORD|SECRET|AUTH)): (.+)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    secrets = {name: value for name, value in found if name not in ("CHAT_AUTH",)}
    assert secrets.keys() == {"POSTGRES_PASSWORD", "REDISCLI_AUTH", "CHAT_TOKEN_SECRET"}
    for value in secrets.values():
        assert re.fullmatch(r"\$\{\w+:\?openssl rand -hex \d+\}", value)
    assert settings_of_the_unit()["CHAT_TOKEN_SECRET"] == ""


def test_every_service_is_confined_and_none_is_root() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.search(r"^USER 10001:10001$", dockerfile, re.M)
    for name, service in compose()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["image"] == "chat-server" or service["user"] not in ("root", "0"), name


def test_only_nginx_is_reached_from_outside() -> None:
    services = compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["nginx"]
    assert compose()["networks"]["inside"]["internal"]


@pytest.mark.parametrize("which", ["compose.yaml", "chat.env.example"])
def test_the_settings_are_settings_and_what_they_say_can_be_used(which: str) -> None:
    if which == "compose.yaml":
        given = compose()["services"]["chat1"]["environment"]
        given = {name: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value) for name, value in given.items()}
        given |= {"CHAT_HOSTS": "chat.example.com", "CHAT_TOKEN_SECRET": "x" * 64}
        given = {name: re.sub(r"\$\{\w+:\?.+?\}", "0123abcd", value) for name, value in given.items()}
    else:
        given = settings_of_the_unit() | {"CHAT_TOKEN_SECRET": "x" * 64}
    settings = Settings.load(given)
    assert settings.auth == "required"
    assert settings.hosts == ("chat.example.com",)
    assert settings.trusted_proxies == 1
    assert settings.bus_url


def test_whoever_stops_a_worker_waits_until_it_has_said_goodbye() -> None:
    least = GUNICORN["graceful_timeout"]
    assert least >= Settings().stop_seconds + 2
    unit = (DEPLOY / "chat.service").read_text("utf-8")
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)[1]) > least  # type: ignore[index]
    for name in ("chat1", "chat2"):
        assert int(compose()["services"][name]["stop_grace_period"].removesuffix("s")) > least


def test_all_start_the_server_by_the_command_of_the_readme() -> None:
    command = "gunicorn -k gevent app:app"
    said = re.search(r"^CMD (\[.+\])$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.M)
    assert said
    assert " ".join(yaml.safe_load(said[1])) == command
    assert f"ExecStart=/opt/chat/.venv/bin/{command}\n" in (DEPLOY / "chat.service").read_text("utf-8")
    assert command in (ROOT / "README.md").read_text("utf-8")


def test_nginx_on_a_machine_of_ones_own_finds_the_chat_and_is_found_by_systemd() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    [command] = re.findall(r"^(sed .* /opt/chat/deploy/nginx\.conf) > /etc/nginx/nginx\.conf$", text, re.M)
    made = run(*shlex.split(command.replace("/opt/chat", str(ROOT))))
    address = settings_of_the_unit()["CHAT_BIND"]
    assert re.findall(r"^ +server (\S+:\d+) ", made, re.M) == [address] * 2
    assert re.findall(r"^pid .*$", made, re.M) == ["pid /run/nginx.pid;"], "as Debian's unit of nginx says"


def test_a_command_by_hand_has_the_settings_of_the_unit(tmp_path: Path) -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    [command] = re.findall(r"^\((cd /opt/chat .*) \.venv/bin/flask .*\)$", text, re.M)
    (tmp_path / "chat.env").write_text((DEPLOY / "chat.env.example").read_text("utf-8"))
    command = command.replace("/opt/chat", str(ROOT)).replace("/etc", str(tmp_path))
    assert "CHAT_DATABASE_URL=sqlite:////var/lib/chat/chat.db" in run("sh", "-ec", f"{command} env").splitlines()


def test_the_image_has_the_driver_that_the_tests_run_with() -> None:
    tested = re.search(r"^psycopg\[binary\]==\S+", (ROOT / "requirements-dev.in").read_text("utf-8"), re.M)
    assert tested
    assert f'"{tested[0]}"' in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_the_build_is_given_what_it_copies_and_nothing_else() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.M)
        for source in shlex.split(line)[:-1]
    }
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
    assert "*" in ignore
