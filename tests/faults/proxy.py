"""A TCP proxy between client and server that can swallow what the server says, and cut the line."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: an end without the goodbyes of TCP


class Proxy:
    """`with Proxy(port) as proxy:` listens on `proxy.url`."""

    def __init__(self, server_port: int) -> None:
        self.swallowing = False  # what the server says goes nowhere; clients are heard
        self._server_port = server_port
        self._lines: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every line at once, both ways."""
        with self._lock:
            lines, self._lines = self._lines, []
        for ends in lines:
            for end in ends:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._lines.append((client, server))
            for one, other, from_server in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._carry, args=(one, other, from_server))
                self._threads.append(thread)
                thread.start()

    def _carry(self, one: socket.socket, other: socket.socket, from_server: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if not (from_server and self.swallowing):
                    other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        one.close()
