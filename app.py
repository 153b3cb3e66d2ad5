"""The entrance: `gunicorn -k gevent app:app`, `python app.py` or `flask run`."""

from gevent import monkey

monkey.patch_all()  # before everything else, or what is imported first blocks all sockets

import signal  # noqa: E402

import gevent  # noqa: E402

from chat import create_app, process  # noqa: E402
from chat.errors import ChatError  # noqa: E402

try:
    app = create_app()
except ChatError as error:  # a setting that cannot be used
    process.refuse_start(error)


def main() -> None:
    """Serve with gevent's own server, which runs on Windows too. CHAT_BIND or PORT say where; port 0 is a free one."""
    from gevent.pywsgi import WSGIServer

    chat = app.extensions["chat"]
    try:
        process.serve(chat)
    except ChatError as error:
        process.refuse_start(error)
    host, port = chat.settings.address
    server = WSGIServer((host, port), app)

    def stop() -> None:
        print("Stopping.")
        chat.stop()
        server.stop(timeout=1)

    server.start()
    print(f"Serving on http://{f'[{host}]' if ':' in host else host}:{server.server_port} (Ctrl-C stops)", flush=True)
    # Not by KeyboardInterrupt, which Python raises in the middle of whatever runs just then.
    gevent.signal_handler(signal.SIGINT, stop)
    server.serve_forever()


if __name__ == "__main__":
    main()
