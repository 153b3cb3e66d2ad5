"""What `flask chat doctor` says of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from chat import create_app
from chat.commands.doctor import risks
from chat.config import Settings

SAFE = {"auth": "required", "signup": "closed"}
SECRET = "a secret of more than thirty-two bytes"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"auth": "open"}, "CHAT_AUTH=open"),
        ({"signup": ""}, "CHAT_SIGNUP=open:"),
        ({"signup": "open", "token_secret": SECRET}, "CHAT_SIGNUP=open with CHAT_TOKEN_SECRET"),
        ({"origins": ("*",)}, "CHAT_ORIGINS=*"),
        ({"rate_limits": "off"}, "CHAT_RATE_LIMITS=off"),
        ({"token_ttl": 32 * 24 * 3600}, "CHAT_TOKEN_TTL"),
    ],
    ids=str,
)
def test_the_doctor_names_a_setting_that_is_risky(given: dict[str, Any], named: str) -> None:
    [risk] = risks(Settings(**{**SAFE, **given}))
    assert risk.startswith(named)


def test_the_doctor_is_content_with_a_site_whose_tokens_name_its_users() -> None:
    assert risks(Settings(auth="required", token_secret=SECRET)) == [], "sign-up is closed by default there"


def test_the_doctor_exits_with_one_where_something_is_risky() -> None:
    runner = create_app({"CHAT_AUTH": "required"}).test_cli_runner()
    safe = runner.invoke(args=["chat", "doctor"])
    assert safe.exit_code == 0
    assert "ok    settings     Nothing risky is set.\n" in safe.output
    risky = create_app({"CHAT_RATE_LIMITS": "off"}).test_cli_runner().invoke(args=["chat", "doctor"])
    assert risky.exit_code == 1
    assert "CHAT_AUTH=open" in risky.output
    assert "CHAT_RATE_LIMITS=off" in risky.output
