"""Which language the server writes a page in: the browser's (Accept-Language), of those in chat/translations/.

Only what stands there before the script has run: the rest is static/js/texts.js, in the language that
somebody chose on the page.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request
from flask_babel import Babel

TRANSLATIONS = Path(__file__).parent.parent / "translations"
LANGUAGES = ("en", "ko")  # the first: of a browser that takes none of them


def attach(app: Flask) -> None:
    """Have templates translate by `_`, and know `page_language()`."""
    Babel(app, locale_selector=_asked_for, default_translation_directories=str(TRANSLATIONS))
    app.jinja_env.globals["page_language"] = _asked_for


def depends_on_language(response: Response) -> None:
    """Tell caches that another browser gets another page."""
    response.vary.add("Accept-Language")


def _asked_for() -> str:
    """By the order of the browser's wishes: werkzeug's own best_match would pass over `en-GB` for a later `ko`."""
    for tag in request.accept_languages.values():
        if (code := tag.partition("-")[0].lower()) in LANGUAGES:
            return code
    return LANGUAGES[0]
