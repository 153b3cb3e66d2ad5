"""The entrance: `gunicorn -k gevent app:app`, `python app.py` or `flask run`."""

from gevent import monkey

monkey.patch_all()  # before everything else, or what is imported first blocks all sockets

import argparse  # noqa: E402

from chat import create_app, process  # noqa: E402
from chat.errors import ChatError  # noqa: E402

try:
    app = create_app()
except ChatError as error:  # a setting that cannot be used
    process.refuse_start(error)


def main() -> None:
    """Serve with gevent's own server, which runs on Windows too. Without arguments CHAT_BIND or PORT say where."""
    parser = argparse.ArgumentParser(description="Serve the chat, for a class or a trial.")
    parser.add_argument("--host", help="where to listen: 127.0.0.1 is this machine alone, 0.0.0.0 the network too")
    parser.add_argument("--port", type=int, help="8000 by default; 0: a free one")
    options = parser.parse_args()
    if options.port is not None and options.port not in range(65_536):
        parser.error("a port is a number from 0 to 65535")
    process.serve_by_pywsgi(app, app.extensions["chat"], options.host, options.port)


if __name__ == "__main__":
    main()
