"""Owns `python -m chat.classroom`: starts a second process, which patches before it imports the chat, and ends as it does."""

import signal
import subprocess
import sys
from importlib.util import find_spec


def serve_in_second_process() -> int:
    """Return its exit code."""
    for package in ("segno", "ifaddr"):
        if find_spec(package) is None:
            print(f'Class mode needs {package}: pip install "flask-chat-server[classroom]"', file=sys.stderr)
            return 1
    command = [sys.executable, "-m", "gevent.monkey", "--module", "chat.classroom.serving", *sys.argv[1:]]
    child = subprocess.Popen(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


if __name__ == "__main__":
    sys.exit(serve_in_second_process())
