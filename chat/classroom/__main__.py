"""Owns `python -m chat.classroom`: starts a second process, which patches before it imports the chat, and ends as it does."""

import sys
from importlib.util import find_spec

from chat import process

if __name__ == "__main__":
    for package in ("segno", "ifaddr"):
        if find_spec(package) is None:
            sys.exit(f'Class mode needs {package}: pip install "flask-chat-server[classroom]"')
    sys.exit(process.run_patched("chat.classroom.serving", *sys.argv[1:]))
