"""Floods by people who have signed in: dear searches, giant messages that nobody reads, and coming back to very much."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from functools import cache, partial

from bench.floods.attacks import CHUNK_BYTES, UPGRADE, Flood, frame, open_connection
from chat.protocol.names import name_key
from chat.storage.records import Send
from chat.storage.storage import Storage

SEARCHES = 20  # at once
BODY = ("a" * 150 + "b") * 420  # the text looked for seems to be everywhere in it, and is nowhere
WANTED = "a" * 199 + "b"
ONE, MANY = 1, 10  # users who search
MESSAGES = 100  # that they have together

SENDERS, READERS = 30, 50  # sockets that send, of a user each, and sockets of the one who does not read
GIANT = "x" * 65_000 + "\N{GRINNING FACE}"
GIANT_SECONDS = 4  # until all close and come back

CONVERSATIONS = 30_000  # in each of which one message waits
BACK_SECONDS = 10  # until who comes back hangs up, at the latest
LAST = b'"hi %d"' % (CONVERSATIONS - 1)  # is read last


def _fill(url: str, users: int) -> None:
    """Give each user messages that are dear to search."""
    storage = Storage(url, name_key, logging.getLogger("bench"), 1_000)
    for number in range(MESSAGES):
        storage.writer.commit([Send(f"searcher{number % users}", "bob", BODY, None)])
    while storage.search_index.step():
        pass
    storage.close()


@cache
def _token(port: int, user: str) -> str:
    body = json.dumps({"userId": user}).encode()
    with open_connection(port) as sock:
        sock.sendall(
            b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        answer = b"".join(iter(partial(sock.recv, CHUNK_BYTES), b""))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["token"])


def _search(port: int, users: int) -> None:
    with contextlib.ExitStack() as stack:
        searches = [stack.enter_context(open_connection(port)) for _ in range(SEARCHES)]
        for number, sock in enumerate(searches):
            token = _token(port, f"searcher{number % users}")
            sock.sendall(
                f"GET /api/search?q={WANTED} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode()
            )
        for sock in searches:
            sock.settimeout(60)
            sock.recv(CHUNK_BYTES)


def _fill_conversations(url: str) -> None:
    storage = Storage(url, name_key, logging.getLogger("bench"), 1_000)
    for start in range(0, CONVERSATIONS, 1_000):
        storage.writer.commit([Send(f"friend{n}", "returner", f"hi {n}", None) for n in range(start, start + 1_000)])
    storage.close()


def _come_back(port: int) -> None:
    """Say `init` alone and read what was missed. No ping is answered, so that all of it is missed the next time too."""
    with open_connection(port) as sock:
        sock.sendall(UPGRADE)
        sock.recv(CHUNK_BYTES)
        sock.sendall(frame(b'{"type":"init","userId":"returner"}'))
        until, read = time.monotonic() + BACK_SECONDS, b""
        while LAST not in read and time.monotonic() < until and (data := sock.recv(CHUNK_BYTES)):
            read = read[-len(LAST) :] + data


def _socket_of(port: int, user: str) -> socket.socket:
    sock = open_connection(port)
    sock.sendall(UPGRADE)
    sock.recv(CHUNK_BYTES)
    sock.sendall(frame(json.dumps({"type": "init", "userId": user, "sync": True}).encode()))
    sock.recv(CHUNK_BYTES)
    return sock


def _send_giants(port: int) -> None:
    """Many send as much as they can, over sockets of their own, to somebody who has answered and now reads nothing."""
    giant = frame(json.dumps({"type": "chat", "toUserId": "victim", "message": GIANT}, ensure_ascii=False).encode())
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(_socket_of(port, "victim")) for _ in range(READERS)]
        for number in range(SENDERS):  # nobody is a stranger then
            answer = {"type": "chat", "toUserId": f"sender{number}", "message": "hi"}
            readers[0].sendall(frame(json.dumps(answer).encode()))
        senders = [stack.enter_context(_socket_of(port, f"sender{number}")) for number in range(SENDERS)]
        rests = dict.fromkeys(senders, giant)
        for sock in senders:
            sock.setblocking(False)
        until = time.monotonic() + GIANT_SECONDS
        while rests and time.monotonic() < until:
            for sock in [*rests]:
                try:
                    rests[sock] = rests[sock][sock.send(rests[sock]) :] or giant
                except BlockingIOError:
                    continue
                except OSError:  # it was closed: it has sent too much
                    del rests[sock]
            time.sleep(0.001)


ATTACKS_BY_USERS = {
    "searches": Flood(partial(_search, users=ONE), fill=partial(_fill, users=ONE)),
    "searches of many": Flood(partial(_search, users=MANY), fill=partial(_fill, users=MANY)),
    "giant messages": Flood(_send_giants),
    "coming back": Flood(_come_back, fill=_fill_conversations),
}
