"""The HTML page and its script."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, Response, current_app, make_response, render_template, url_for

from chat.web.language import depends_on_language

FOR_EVER = "public, max-age=31536000, immutable"  # what its address names by its digest never changes
DIGEST_CHARS = 16


def pages(bundle: bytes, *, is_separate: bool) -> Blueprint:
    """Make the blueprint of the page.

    Args:
        bundle: all modules of the page in one script, UTF-8 (`make bundle`).
        is_separate: the page loads the modules one by one instead.
    """
    blueprint = Blueprint("chat_pages", __name__)
    digest = sha256(bundle).hexdigest()[:DIGEST_CHARS]

    @blueprint.get("/")
    def index() -> Response:
        settings = current_app.extensions["chat"].settings
        address = (
            url_for("static", filename="js/app.js") if is_separate else url_for("chat_pages.show_script", asked=digest)
        )
        page = make_response(render_template("index.html", auth=settings.auth, signup=settings.signup, script=address))
        depends_on_language(page)
        page.headers["Cache-Control"] = "no-cache"  # a reload gets the address of the newest script
        return page

    @blueprint.get("/script/<asked>.js")
    def show_script(asked: str) -> Response:
        response = Response(bundle, mimetype="text/javascript")
        # While workers of two versions serve, the page may come from one and ask the other for its script.
        response.headers["Cache-Control"] = FOR_EVER if asked == digest else "no-store"
        return response

    return blueprint
