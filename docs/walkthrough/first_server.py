import json
from threading import Lock

from flask import Flask, send_file
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)
sockets, lock = {}, Lock()  # sockets[user] = socket; whoever looks into it or changes it holds the lock

@app.get("/")
def page():
    return send_file("first.html")

@sock.route("/ws")
def talk(ws):
    user = json.loads(ws.receive())["userId"]  # the first event is init
    with lock:
        sockets[user] = ws
    try:
        while event := json.loads(ws.receive()):  # each event after it is a chat
            with lock:
                receiver = sockets.get(event["toUserId"])
            if receiver:
                receiver.send(json.dumps(event))
    finally:  # the socket is closed
        with lock:
            sockets.pop(user, None)

app.run(port=5000)
