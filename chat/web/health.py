"""Owns what a balancer or an orchestrator asks: whether the worker lives, and whether it may be given work.

Asked without a token and under any name, as they do; so no answer tells what strangers may not know.
"""

from flask import Blueprint, Response

from chat.readiness import NOT_READY
from chat.web.answers import json_response
from chat.web.requests import current_chat

PATHS = HEALTH, READINESS = "/healthz", "/readyz"


def add_health_routes(blueprint: Blueprint) -> None:
    """Register both paths."""

    @blueprint.get(HEALTH, provide_automatic_options=False)
    def show_liveness() -> Response:
        # That it is answered is the answer: the loop turns. Whoever restarts by it does not restart for a full disk.
        return _answer({"status": "ok"})

    @blueprint.get(READINESS, provide_automatic_options=False)
    def show_readiness() -> Response:
        found = current_chat().readiness.look()
        return _answer(found._asdict(), 503 if found.status == NOT_READY else 200)


def _answer(said: dict[str, object], status: int = 200) -> Response:
    response = json_response(said, status)
    response.headers["Cache-Control"] = "no-store"
    return response
