"""Owns `python -m chat.classroom`: starts a second process, which patches before it imports the chat, and ends as it does."""

import sys
from importlib.util import find_spec

from chat import process


def serve_in_second_process() -> int:
    """Return its exit code."""
    for package in ("segno", "ifaddr"):
        if find_spec(package) is None:
            print(f'Class mode needs {package}: pip install "flask-chat-server[classroom]"', file=sys.stderr)
            return 1
    return process.run_patched("chat.classroom.serving", *sys.argv[1:])


if __name__ == "__main__":
    sys.exit(serve_in_second_process())
