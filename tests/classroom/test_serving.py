"""The program that serves a class, where it cannot."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SECONDS = 60


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "chat.classroom", "--host", "127.0.0.1", "--port", str(taken.getsockname()[1])]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert refused.returncode == 1
    assert "Another program listens there. Choose another --port." in refused.stderr
    assert "Traceback" not in refused.stderr
