"""The entrance: `gunicorn -k gevent app:app`, `python app.py` or `flask run`."""

from gevent import monkey

monkey.patch_all()  # before everything else, or what is imported first blocks all sockets

from chat import create_app, process  # noqa: E402
from chat.errors import ChatError  # noqa: E402

try:
    app = create_app()
except ChatError as error:  # a setting that cannot be used
    process.refuse_start(error)


def main() -> None:
    """Serve with gevent's own server, which runs on Windows too. CHAT_BIND or PORT say where; port 0 is a free one."""
    process.serve_by_pywsgi(app, app.extensions["chat"])


if __name__ == "__main__":
    main()
