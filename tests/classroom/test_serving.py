"""The program that serves a class: where it cannot, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server

COMMAND = [sys.executable, "-m", "chat.classroom", "--host", "127.0.0.1", "--port"]
# As a terminal's program, whose group Ctrl-C reaches.
IN_OWN_SESSION = [sys.executable, "-c", "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"]
SECONDS = 60


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*COMMAND, str(taken.getsockname()[1])]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert refused.returncode == 1
    assert "Another program listens there. Choose another --port." in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_it_ends_its_data(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C reaches both of its processes; SIGTERM, of a service or a shutdown, the first one."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = Server([*IN_OWN_SESSION, *COMMAND, "0"], {"TMPDIR": str(temporary)}, tmp_path / "log")
    try:
        server.wait_for("Ctrl-C")
        assert len([*temporary.iterdir()]) == 1, "need the data for their end to mean anything"
        (os.killpg if number == signal.SIGINT else os.kill)(server.process.pid, number)
        assert server.process.wait(SECONDS) == 0, server.log
    finally:
        server.stop()
    assert "its data are deleted" in server.log
    assert "Traceback" not in server.log
    assert [*temporary.iterdir()] == []
