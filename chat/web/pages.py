"""The HTML page and its script."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, Response, abort, current_app, make_response, render_template, url_for

from chat.web.language import depends_on_language

FOR_EVER = (
    "public, max-age=31536000, immutable"  # what its address names by its digest never changes
)
DIGEST_CHARS = 16


def pages(script: str | None) -> Blueprint:
    """Make the blueprint of the page.

    Args:
        script: all of its modules in one; None: it loads them one by one.
    """
    blueprint = Blueprint("chat_pages", __name__)
    digest = sha256((script or "").encode()).hexdigest()[:DIGEST_CHARS]

    @blueprint.get("/")
    def index() -> Response:
        settings = current_app.extensions["chat"].settings
        address = (
            url_for("static", filename="js/app.js")
            if script is None
            else url_for("chat_pages.show_script", asked=digest)
        )
        page = make_response(
            render_template(
                "index.html", auth=settings.auth, signup=settings.signup, script=address
            )
        )
        depends_on_language(page)
        page.headers["Cache-Control"] = "no-cache"  # an old one asks for a script that is gone
        return page

    @blueprint.get("/script/<asked>.js")
    def show_script(asked: str) -> Response:
        if script is None or asked != digest:
            abort(404)
        response = Response(script, mimetype="text/javascript")
        response.headers["Cache-Control"] = FOR_EVER
        return response

    return blueprint
