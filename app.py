"""The entrance: `gunicorn -k gevent app:app`, `python app.py` or `flask run`."""

from gevent import monkey

monkey.patch_all()  # before everything else, or what is imported first blocks all sockets

import os  # noqa: E402

from chat import create_app  # noqa: E402

app = create_app()


def main() -> None:
    """Serve with gevent's own server, which runs on Windows too. PORT says where; 0 takes a free one."""
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), app)
    server.start()
    print(f"Serving on http://127.0.0.1:{server.server_port} (Ctrl-C stops)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopping.")


if __name__ == "__main__":
    main()
