"""`flask chat ...` in this process: to start another one costs two seconds of processor time."""

from __future__ import annotations

import os
from unittest import mock

from click.testing import Result
from werkzeug.local import LocalProxy

from chat import create_app


def flask_chat(*words: str, said: str = "", **settings: str) -> Result:
    """Run a command of a new app with these settings of the environment; `said` is its standard input.

    `exit_code`, `stdout`, `stderr` and `output`, which is both, tell how it went. Raises what the command does not
    turn into a sentence: in a process of its own that would be a traceback.
    """
    with mock.patch.dict(os.environ, settings):
        app = create_app()
        done = app.test_cli_runner().invoke(args=["chat", *words], input=said)
        if not isinstance(app.extensions["chat"], LocalProxy):  # as it is until it is made
            app.extensions["chat"].stop()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
