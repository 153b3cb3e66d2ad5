"""GET /metrics, for Prometheus: a service's token with the scope `metrics` opens it."""

from __future__ import annotations

from flask import Blueprint, Response

from chat import metrics
from chat.errors import ChatError
from chat.people.directory import Directory
from chat.web import requests as reading
from chat.web.answers import failure

SCOPE = "metrics"
MEDIA = "text/plain; version=0.0.4"


def metrics_page(directory: Directory) -> Blueprint:
    blueprint = Blueprint("chat_metrics", __name__)
    blueprint.register_error_handler(ChatError, failure)

    @blueprint.get("/metrics")
    def show() -> Response:
        directory.tokens.service_of(reading.bearer_token(), SCOPE)
        return Response(metrics.exposition(), content_type=f"{MEDIA}; charset=utf-8")

    return blueprint
