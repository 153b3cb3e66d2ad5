import json
from threading import Lock

from flask import Flask, send_file
from flask_sock import Sock
from simple_websocket import ConnectionClosed

app = Flask(__name__)
sock = Sock(app)
sockets, lock = {}, Lock()  # sockets[user] = {socket, ...}; whoever looks into it or changes it holds the lock

@app.get("/")
def page():
    return send_file("../first.html")

@sock.route("/ws")
def talk(ws):
    user = json.loads(ws.receive())["userId"]  # the first event is init
    with lock:
        sockets.setdefault(user, set()).add(ws)
    try:
        while event := json.loads(ws.receive()):  # each event after it is a chat
            with lock:
                receivers = list(sockets.get(event["toUserId"], ()))  # a copy: nothing is sent under the lock
            for receiver in receivers:
                try:
                    receiver.send(json.dumps(event))
                except ConnectionClosed:
                    pass  # closed just now: its own `finally` takes it out, and the others get theirs
    finally:  # the socket is closed
        with lock:
            sockets[user].discard(ws)

app.run(port=5000)
