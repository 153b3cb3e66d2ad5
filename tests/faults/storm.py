"""Many clients in a process of their own, that come back when they are told: `python -m tests.faults.storm PORT NUMBER`.

Prints "here" when all are, and once all have been sent away and are back, a line of JSON: after how many seconds each,
since the first was sent away. Each 25 have an address of their own, since the server bounds what one address may hold.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from websockets.frames import Opcode

from tests.transport.peers import frame, upgrade_request

AT_ONCE = 50  # that connect at the beginning
AGAIN_SECONDS = 1.0  # after a try that failed
LIMIT_BYTES = 1_048_576
RESTART = b'{"type":"restart","retryAfter":'


class Client:
    """One of them. It reads no frames, and so answers no ping: the server's text lies in them as it is."""

    first_left = 0.0

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._name = f"storm{number}"
        self._address = (f"127.0.1.{1 + number // 25}", 0)
        self._reader: asyncio.StreamReader | None = None

    async def enter(self) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=self._address, limit=LIMIT_BYTES
        )
        try:
            writer.write(upgrade_request("/ws"))
            await reader.readuntil(b"\r\n\r\n")
            writer.write(frame(Opcode.TEXT, json.dumps({"type": "init", "userId": self._name, "sync": True}).encode()))
            await reader.readuntil(b'"type":"ready"')
        except BaseException:
            writer.close()
            raise
        self._reader, self._writer = reader, writer

    async def come_back(self) -> float:
        assert self._reader is not None
        wait, said = AGAIN_SECONDS, await self._reader.read()
        self._writer.close()
        _, told, rest = said.rpartition(RESTART)
        if told:
            wait = float(rest.partition(b"}")[0])
        Client.first_left = Client.first_left or time.monotonic()
        while True:
            await asyncio.sleep(wait)
            try:
                await self.enter()
                return time.monotonic() - Client.first_left
            except (OSError, asyncio.IncompleteReadError):
                wait = AGAIN_SECONDS


async def main(port: int, number: int) -> None:
    few = asyncio.Semaphore(AT_ONCE)
    clients = [Client(port, n) for n in range(number)]

    async def enter(client: Client) -> None:
        async with few:
            await client.enter()

    await asyncio.gather(*map(enter, clients))
    coming_back = [asyncio.create_task(client.come_back()) for client in clients]
    print("here", flush=True)
    print(json.dumps(await asyncio.gather(*coming_back)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
