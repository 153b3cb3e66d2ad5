"""A client that misbehaves as no library would, and what a server takes of the machine.

What the server answers is judged by the parser of `websockets`, which shares nothing with ours.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

SECONDS = 10.0  # what an answer may take on a machine that does other things too


def frame(opcode: Opcode, payload: bytes = b"", fin: bool = True) -> bytes:
    """A client's frame as bytes."""
    return Frame(opcode, payload, fin).serialize(mask=True)


def upgrade_request(path: str = "/", version: str = "HTTP/1.1", method: str = "GET", **headers: str | None) -> bytes:
    """A correct upgrade request; a header given replaces the correct one, None leaves it out.

    In a header's name `_` stands for `-`: Sec_WebSocket_Version="8".
    """
    fields: dict[str, str | None] = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {path} {version}", *lines, "", ""]).encode("latin-1")


class RawClient:
    """A plain TCP socket that has asked for the upgrade and got it. It answers nothing by itself.

    Args:
        receive_buffer: bytes that the kernel keeps for us unread; a small one stalls the sender soon.
        tls: a context that trusts the server.
    """

    def __init__(
        self,
        port: int,
        user_id: str | None = None,
        receive_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
        path: str = "/",
    ) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(SECONDS)
        self.sock.connect(("127.0.0.1", port))
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.sock.sendall(upgrade_request(path))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += (byte := self.sock.recv(1))
            assert byte, f"the server hung up after {head!r}"
        assert head.startswith(b"HTTP/1.1 101"), head
        self._parser = Protocol(CLIENT, max_size=None)
        self._frames: list[Frame] = []
        self._hung_up = False
        if user_id is not None:
            self.send(type="init", userId=user_id)
            self.receive("ready")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, **event: Any) -> None:
        self.send_frame(Opcode.TEXT, json.dumps(event).encode())

    def send_frame(self, opcode: Opcode, payload: bytes = b"", fin: bool = True) -> None:
        self.sock.sendall(frame(opcode, payload, fin))

    def receive(self, kind: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The next event of that type; what comes before it is skipped."""
        until = time.monotonic() + seconds
        while found := self.next_frame(until - time.monotonic()):
            if found.opcode is Opcode.TEXT:
                event: dict[str, Any] = json.loads(found.data)
                if event["type"] == kind:
                    return event
        raise AssertionError(f"the server hung up before {kind}")

    def next_frame(self, seconds: float = SECONDS) -> Frame | None:
        """The next whole frame, or None when the server has hung up.

        Raises:
            TimeoutError: neither came in time.
            AssertionError: what came is no frame, or ends in the middle of one.
        """
        until = time.monotonic() + seconds
        while not self._frames and not self._hung_up:
            if (left := until - time.monotonic()) <= 0:
                raise TimeoutError("no frame in time")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if data:
                self._parser.receive_data(data)
            else:
                self._hung_up = True
                self._parser.receive_eof()
            self._frames += self._parser.events_received()  # type: ignore[arg-type]
            self._parser.data_to_send()  # the answers that a library would send now
            error = self._parser.parser_exc
            between_frames = isinstance(error, EOFError) and "unexpected end" in str(error)
            assert error is None or between_frames, f"no WebSocket frames: {error!r}"
        return self._frames.pop(0) if self._frames else None

    def frames_to_the_end(self, seconds: float = SECONDS) -> list[Frame]:
        """All frames until the server hangs up."""
        until = time.monotonic() + seconds
        frames = []
        while found := self.next_frame(until - time.monotonic()):
            frames.append(found)
        return frames

    def close_code(self, seconds: float = SECONDS) -> int:
        """Read to the end; the code of the close frame there, 1006 for want of one."""
        return closing_code(self.frames_to_the_end(seconds))


def closing_code(frames: list[Frame]) -> int:
    if frames and frames[-1].opcode is Opcode.CLOSE:
        return Close.parse(frames[-1].data).code
    return 1006


def resident_bytes(pid: int) -> int:
    """The memory that the process holds now."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) * 1024
    ps = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True)
    return int(ps.stdout) * 1024


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
