"""Owns which language a page of ours begins in, as far as the browser's request says."""

from flask import request

LANGUAGES = ("en", "ko")  # the first is that of a browser that takes none of them


def asked_language() -> str:
    """Return the language that the browser asks for, of those that there are.

    By the order of its wishes: werkzeug's own best_match would pass over `en-GB` for a later `ko`.
    """
    codes = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((code for code in codes if code in LANGUAGES), LANGUAGES[0])
