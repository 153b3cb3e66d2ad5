"""The HTML page."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template

pages = Blueprint("chat_pages", __name__)


@pages.get("/")
def index() -> str:
    settings = current_app.extensions["chat"].settings
    return render_template("index.html", auth=settings.auth, signup=settings.signup)
