"""Many clients in a process of their own, that come back when the server told them: `python -m tests.faults.storm PORT NUMBER`.

Prints "here" when all are, and once all have been sent away and are back, a line of JSON: after how many seconds each,
since the first was sent away.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

AT_ONCE = 100  # that connect at the beginning
AGAIN_SECONDS = 1.0  # after a try that failed


class Storm:
    """Clients of one server."""

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws"
        self._first_left = 0.0

    async def run(self, number: int) -> list[float]:
        few = asyncio.Semaphore(AT_ONCE)
        here = await asyncio.gather(*(self._enter(f"storm{n}", few) for n in range(number)))
        coming_back = [asyncio.create_task(self._come_back(*one)) for one in here]
        print("here", flush=True)
        return await asyncio.gather(*coming_back)

    async def _enter(self, name: str, few: asyncio.Semaphore) -> tuple[str, ClientConnection]:
        async with few:
            return name, await self._connect(name)

    async def _connect(self, name: str) -> ClientConnection:
        socket = await connect(self._url, proxy=None, compression=None, open_timeout=60, ping_interval=None)
        await socket.send(json.dumps({"type": "init", "userId": name, "sync": True}))
        while json.loads(await socket.recv())["type"] != "ready":
            pass
        return socket

    async def _come_back(self, name: str, socket: ClientConnection) -> float:
        wait = AGAIN_SECONDS
        try:
            async for text in socket:
                if (event := json.loads(text))["type"] == "restart":
                    wait = event["retryAfter"]
        except ConnectionClosed:
            pass
        self._first_left = self._first_left or time.monotonic()
        while True:
            await asyncio.sleep(wait)
            try:
                await self._connect(name)
                return time.monotonic() - self._first_left
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                wait = AGAIN_SECONDS


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Storm(int(sys.argv[1])).run(int(sys.argv[2])))), flush=True)
