"""The lesson's programs as the tests use them: its checkers as modules, its servers in threads of this process."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import flask
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import ROOT

LESSON = ROOT / "docs/walkthrough"
sys.path.append(str(LESSON))  # its modules import one another, as where a pupil starts them


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an app as `app.run` does, a thread for each socket. Gives host and port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def app_of(file: Path, monkeypatch: pytest.MonkeyPatch) -> flask.Flask:
    """Run a file that ends in `app.run(port=5000)`, and return its app instead of serving it there."""
    made: list[flask.Flask] = []
    with monkeypatch.context() as patch:
        patch.setattr(flask.Flask, "run", lambda app, **given: made.append(app) if given == {"port": 5000} else None)
        runpy.run_path(str(file))
    [app] = made
    app.logger.disabled = True  # of exceptions, which an exercise is about
    return app
