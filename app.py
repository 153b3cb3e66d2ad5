"""The entrance: `gunicorn -k gevent app:app`, `python app.py` or `flask run`."""

from gevent import monkey

monkey.patch_all()  # before everything else, or what is imported first blocks all sockets

from chat import create_app  # noqa: E402

app = create_app()


def main() -> None:
    """Serve with gevent's own server, which runs on Windows too."""
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(("127.0.0.1", 8000), app)
    print("Serving on http://127.0.0.1:8000 (Ctrl-C stops)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        app.extensions["chat"].stop()
        server.stop(timeout=1)


if __name__ == "__main__":
    main()
