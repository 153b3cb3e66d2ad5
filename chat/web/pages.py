"""The HTML page, and the headers that keep other sites' scripts out of it."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template

pages = Blueprint("chat_pages", __name__)

# The page needs its own files and its own socket, nothing else; data: is the icon with a number drawn on it.
CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@pages.get("/")
def index() -> str:
    settings = current_app.extensions["chat"].settings
    return render_template("index.html", auth=settings.auth, signup=settings.signup)


@pages.after_request
def protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
