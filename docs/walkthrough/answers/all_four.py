import json
from threading import Lock

from flask import Flask, send_file
from flask_sock import Sock
from simple_websocket import ConnectionClosed

app = Flask(__name__)
sock = Sock(app)
sockets, lock = {}, Lock()  # sockets[user] = {socket, ...}; whoever looks into it or changes it holds the lock
waiting = {}  # waiting[user] = [event, ...] for who is not here; guarded by the lock, too

@app.get("/")
def page():
    return send_file("../first.html")

@sock.route("/ws")
def talk(ws):
    user = json.loads(ws.receive())["userId"]  # the first event is init
    with lock:
        sockets.setdefault(user, set()).add(ws)
        missed = waiting.pop(user, [])
    try:
        for event in missed:
            ws.send(json.dumps(event))
        while True:
            text = ws.receive()
            try:
                event = json.loads(text)  # ValueError: no JSON
                to = str(event["toUserId"])  # TypeError: no object; KeyError: no such field
            except (ValueError, TypeError, KeyError):
                ws.send(json.dumps({"type": "error", "message": "This is no event."}))
                continue
            event["fromUserId"] = user  # whatever it said
            with lock:
                receivers = list(sockets.get(to, ()))  # a copy: nothing is sent under the lock
                if not receivers:
                    waiting.setdefault(to, []).append(event)
            for receiver in receivers:
                try:
                    receiver.send(json.dumps(event))
                except ConnectionClosed:
                    pass  # closed just now: its own `finally` takes it out, and the others get theirs
    finally:  # the socket is closed
        with lock:
            sockets[user].discard(ws)

app.run(port=5000)
