"""A site that says how its users are shown, and takes its time. `tests.site.named:app` is for gunicorn."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from gevent import monkey

from chat import Chat

SECONDS = 0.5

app = Flask("named", static_folder=None)
app.config["TITLE"] = "of the site"
chat = Chat(app)


@chat.profile
def profile_of(user_id: str) -> dict[str, Any]:
    monkey.get_original("time", "sleep")(SECONDS)  # as a driver in C that gevent knows nothing of
    return {"display_name": f"{user_id.title()} {current_app.config['TITLE']}"}
