"""A site whose members sign in by Flask-Login, with the chat below /chat/. `tests.site.members:app` is for gunicorn."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from chat import Chat


class Member(UserMixin):  # type: ignore[misc]
    def __init__(self, id_: str) -> None:
        self.id = id_


def make_site(**config: Any) -> tuple[Flask, Chat]:
    app = Flask("members", static_folder=None, instance_path=config.pop("folder", None))
    app.config.update(SECRET_KEY="a key of the site", SESSION_COOKIE_SAMESITE="Lax", **config)
    members = LoginManager(app)
    members.login_view = "login"
    members.user_loader(Member)
    chat = Chat(app)

    @chat.identify  # below Chat(app), as most write it
    def who() -> Any:
        return current_user.get_id()

    @app.get("/login")
    def login() -> Any:
        if "as" in request.args:
            login_user(Member(request.args["as"]))
            session.permanent = True
            return redirect(request.args.get("next", "/"))
        return "Who are you?"

    @app.get("/logout")
    def logout() -> Any:
        logout_user()
        return redirect("/")

    @app.post("/sign-out/<user_id>")
    def sign_out(user_id: str) -> Any:
        chat.sign_out(user_id)
        return ""

    @app.get("/")
    def home() -> Any:
        return f"<!doctype html><title>Site</title>{current_user.get_id() or 'Nobody'}"

    @app.get("/shop")
    def shop() -> Any:
        script = f'<script type="module" src="{request.script_root}/chat/static/js/chat-widget.js"></script>'
        return f'<!doctype html><html lang="en"><title>Shop</title>{script}<chat-widget></chat-widget>'

    return app, chat


app, _ = make_site()
