import json
from threading import Lock

from flask import Flask, send_file
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)
sockets, lock = {}, Lock()  # sockets[user] = socket; whoever looks into it or changes it holds the lock

@app.get("/")
def page():
    return send_file("../first.html")

@sock.route("/ws")
def talk(ws):
    user = json.loads(ws.receive())["userId"]  # the first event is init
    with lock:
        sockets[user] = ws
    try:
        while True:
            text = ws.receive()
            try:
                event = json.loads(text)  # ValueError: no JSON
                to = str(event["toUserId"])  # TypeError: no object; KeyError: no such field
            except (ValueError, TypeError, KeyError):
                ws.send(json.dumps({"type": "error", "message": "This is no event."}))
                continue
            with lock:
                receiver = sockets.get(to)
            if receiver:
                receiver.send(json.dumps(event))
    finally:  # the socket is closed
        with lock:
            sockets.pop(user, None)

app.run(port=5000)
