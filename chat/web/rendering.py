"""Owns the rendering of our pages, each in the language that its browser asks for."""

from typing import Any

from flask import Response, render_template, request

from chat.web.requests import current_chat

LANGUAGES = ("en", "ko")  # the first is that of a browser that takes none of them


def page_response(template: str, **shown: Any) -> Response:
    """Return the page of a template of ours. It is told `language` and `auth` (open, required or site) too."""
    settings = current_chat().settings
    auth = "open" if settings.is_open else settings.auth
    page = Response(render_template(f"flask_chat_server/{template}", language=_asked_language(), auth=auth, **shown))
    page.vary.add("Accept-Language")
    page.headers["Cache-Control"] = "no-cache"
    return page


def _asked_language() -> str:
    """Return the language that the browser asks for, of those that there are.

    By the order of its wishes: werkzeug's own best_match would pass over `en-GB` for a later `ko`.
    """
    codes = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((code for code in codes if code in LANGUAGES), LANGUAGES[0])
