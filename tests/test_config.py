"""Settings: read once, checked once, and refused with a sentence that names the variable."""

from __future__ import annotations

from dataclasses import fields

import pytest

from chat import create_app, setting_checks
from chat.config import Settings
from chat.errors import BadSetting


def test_every_setting_has_a_unit_and_a_meaning() -> None:
    for spec in fields(Settings):
        assert spec.metadata["unit"]
        assert spec.metadata["meaning"].endswith(".")


def test_a_variable_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_MAX_SOCKETS", "7")
    monkeypatch.setenv("CHAT_ORIGINS", "https://a.example/, https://b.example")
    settings = Settings.load()
    assert settings.max_sockets == 7
    assert settings.origins == ("https://a.example", "https://b.example")


def test_what_the_caller_gives_wins_and_other_flask_settings_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_MAX_SOCKETS", "7")
    assert Settings.load({"CHAT_MAX_SOCKETS": 8, "SECRET_KEY": "x"}).max_sockets == 8


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHAT_MAX_SOCKETS", "many", "CHAT_MAX_SOCKETS must be a whole number, not 'many'."),
        ("CHAT_STOP_SECONDS", "", "CHAT_STOP_SECONDS must be a number, not ''."),
        ("CHAT_MAX_SOCKETS", "0", "CHAT_MAX_SOCKETS must be at least 1, not '0'."),
        ("CHAT_HEARTBEAT_SECONDS", "nan", "CHAT_HEARTBEAT_SECONDS must be a finite number, not 'nan'."),
        ("CHAT_INIT_SECONDS", "inf", "CHAT_INIT_SECONDS must be a finite number, not 'inf'."),
        ("CHAT_MESSAGE_DAYS", "99999999999", "CHAT_MESSAGE_DAYS must be at most 36500, not '99999999999'."),
        ("CHAT_HEARTBEAT_SECONDS", "3e6", "CHAT_HEARTBEAT_SECONDS must be at most 86400, not '3e6'."),
        ("CHAT_LOGIN_URL", "in", "CHAT_LOGIN_URL must be /path, https://host/path or http://host/path, not 'in'."),
        ("CHAT_HOSTS", "채팅.kr", "CHAT_HOSTS: write '채팅.kr' as browsers send it, xn--ou6bo7j.kr."),
        ("CHAT_ORIGINS", "https://채팅.kr", "CHAT_ORIGINS: write '채팅.kr' as browsers send it, xn--ou6bo7j.kr."),
        ("CHAT_MAX_SOCKET", "5", "There is no setting CHAT_MAX_SOCKET."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str, value: str, says: str) -> None:
    with pytest.raises(BadSetting) as refused:
        create_app({name: value})
    assert str(refused.value) == says
    assert refused.value.field == name


def test_a_log_level_that_is_none_is_refused() -> None:
    with pytest.raises(BadSetting, match="CHAT_LOG_LEVEL"):
        Settings.load({"CHAT_LOG_LEVEL": "LOUD"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("CHAT_ORIGINS", value) for value in (
            "example.com", "*.example.com", "https://*.example.com", "https://example.com:99999", "https://",
            "https://a.example, b.example", "https://a.example/page", "https://me@a.example", "//a.example",
            "https://a b.example", "https://a.example;b",
        )),
        *(("CHAT_BIND", value) for value in ("8000", "0.0.0.0", "127.0.0.1:99999", "http://a:80", ":8000")),
        *(("CHAT_HOSTS", value) for value in ("https://a.example", "a.example:8000", "*.a.example", "a b", "a/b", "가" * 64)),
        *(("CHAT_URL", value) for value in ("not a url", "ftp://a.example", "http://", "a.example")),
        *(("CHAT_WEBHOOK_URL", value) for value in ("not a url", "ftp://a.example", "https://a.example:0")),
        *(("CHAT_BUS_URL", value) for value in ("127.0.0.1", "http://redis", "redis://", "redis://h:x", "unix://", "unix://run")),
        *(("CHAT_DATABASE_URL", value) for value in (
            "postgres://a@b/c", "postgresql://a@b/c", "mysql://a@b/c", "sqlite://", "sqlite:///:memory:", "chat.db",
            "sqlite:///file:chat.db?uri=true",
        )),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        create_app({name: value, "CHAT_WEBHOOK_SECRET": "secret"})
    assert refused.value.field == name
    assert name in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["https://example.com", "http://localhost:5173/", "https://[2001:db8::1]:8443", "capacitor://localhost", "*"],
)
def test_an_origin_is_a_scheme_a_host_and_perhaps_a_port(value: str) -> None:
    assert Settings.load({"CHAT_ORIGINS": value}).origins == (value.rstrip("/"),)


def test_what_to_write_for_postgresql_is_said() -> None:
    with pytest.raises(BadSetting, match=r"must begin with postgresql\+psycopg://, not with postgres://"):
        Settings(database_url="postgres://a@b/c")


def test_what_is_secret_is_not_shown() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://me:hidden1@h/d", token_secret="hidden2" * 9, webhook_secret="hidden3"
    )
    assert "hidden" not in repr(settings)


def test_where_to_listen_is_said_by_bind_or_by_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert Settings().address == ("127.0.0.1", 8000)
    assert Settings(bind="[::1]:81").address == ("::1", 81)
    monkeypatch.setenv("PORT", "82")
    assert Settings().address == ("127.0.0.1", 82)
    assert Settings(bind="0.0.0.0:81").address == ("0.0.0.0", 81)


@pytest.mark.parametrize("port", ["http", "65536", "-1"])
def test_a_port_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(BadSetting, match=f"PORT must be a port, a number from 0 to 65535, not '{port}'"):
        _ = Settings().address


def test_no_number_is_too_large_for_what_is_made_of_it() -> None:
    numbers = [spec for spec in fields(Settings) if isinstance(spec.default, int | float)]
    assert len(numbers) > 20  # else this means nothing
    for spec in numbers:
        name = f"CHAT_{spec.name.upper()}"
        with pytest.raises(BadSetting, match=f"{name} must be at most"):
            Settings.load({name: 10**23})


@pytest.mark.parametrize("url", ["", "sqlite:////srv/chat.db"])
def test_an_sqlite_that_is_too_old_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(setting_checks, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(BadSetting, match=r"CHAT_DATABASE_URL .* has 3\.34\.1, and 3\.35 or newer is needed"):
        Settings(database_url=url)
    Settings(database_url="postgresql+psycopg://user@host/name")
    monkeypatch.setattr(setting_checks, "sqlite_version_info", (3, 35, 0))
    Settings(database_url=url)
