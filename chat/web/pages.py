"""Owns the HTML page, its script, files and pictures, and the figures for Prometheus."""

import re
from functools import partial
from hashlib import sha256

from flask import Blueprint, Response, current_app, redirect, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from werkzeug import exceptions

from chat.config import Settings
from chat.errors import ChatError, NotFound
from chat.people.tokens import METRICS_SCOPE
from chat.resources import STATIC, TEMPLATES
from chat.router import Events
from chat.web.answers import error_response
from chat.web.compression import compressor
from chat.web.health import add_health_routes
from chat.web.learn import add_learn_routes, is_learn_open
from chat.web.rendering import page_response
from chat.web.requests import bearer_token, current_chat
from chat.web.upgrade import add_socket_routes

NAME = "chat"  # of the blueprint
BUNDLE = STATIC / "js/bundle/app.js"  # all modules of the page in one
FOR_EVER = "public, max-age=31536000, immutable"  # of what its address names by its digest
DIGEST_CHARS = 16
PICTURE = re.compile(r"([0-9a-f]{32})-(96|256)\.webp")  # its digest, and its side in pixels
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

# What stands on the page before its script has run; the rest is static/js/texts.js.
WORDS = {
    "en": {"title": "Chat", "no_script": "This page needs JavaScript."},
    "ko": {"title": "채팅", "no_script": "이 페이지를 사용하려면 자바스크립트가 필요합니다."},
}


def chat_blueprint(settings: Settings, events: Events) -> Blueprint:
    """Make the blueprint of page, files, sockets, metrics and health. Each request finds the chat of its app.

    `events`: of the app, to which the lesson adds its own.
    """
    blueprint = Blueprint(NAME, __name__, template_folder=TEMPLATES)
    bundle = BUNDLE.read_bytes()
    digest = sha256(bundle).hexdigest()[:DIGEST_CHARS]
    get = partial(blueprint.get, provide_automatic_options=False)  # its Allow would name the catch-all's methods

    @get("/", strict_slashes=True)
    def index() -> ResponseReturnValue:
        if not request.environ.get("PATH_INFO") and request.script_root:
            return redirect(f"{request.script_root}/")  # mounted there: its files lie below
        if settings.scripts == "separate" or current_app.debug:
            script = url_for("chat.static", filename="js/app.js")
        else:
            script = url_for("chat.show_script", asked=digest)
        used = current_chat().settings
        shown = {"words": WORDS, "script": script, "signup": used.signup, "learn": is_learn_open(used)}
        return page_response("index.html", **shown)

    @get("/static/<path:filename>", endpoint="static")
    def show_file(filename: str) -> Response:
        try:
            response = send_from_directory(STATIC, filename)
        except exceptions.NotFound:
            response = error_response(NotFound())
        # The files are public, and made to stand on other pages too: docs/embed.md.
        response.headers.update({"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"})
        return response

    @get("/script/<asked>.js")
    def show_script(asked: str) -> Response:
        # A page of before a restart asks for an older one: it gets this one, and nobody keeps it.
        cached = FOR_EVER if asked == digest else "no-store"
        return Response(bundle, mimetype="text/javascript", headers={"Cache-Control": cached})

    @get("/avatars/<name>")
    def show_picture(name: str) -> Response:
        # Pictures are public: who knows the address has seen it, or the picture.
        asked, storage = PICTURE.fullmatch(name), current_chat().storage
        found = asked and storage.in_thread(storage.profiles.picture, asked[1], asked[2] == "256")
        if not found:
            raise NotFound
        return Response(found, mimetype="image/webp", headers={"Cache-Control": FOR_EVER})

    @get("/metrics")
    def show_metrics() -> Response:
        chat = current_chat()
        chat.services.admit(bearer_token(), METRICS_SCOPE)
        return Response(chat.metrics.exposition.text(), content_type=PROMETHEUS)

    add_health_routes(blueprint)
    add_socket_routes(blueprint, add_learn_routes(blueprint, settings, events))
    blueprint.register_error_handler(ChatError, error_response)
    blueprint.after_request(compressor())
    return blueprint
