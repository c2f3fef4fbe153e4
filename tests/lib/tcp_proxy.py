"""A proxy between a client and a server of the tests, that does to connections what networks do:
it cuts them, keeps silent, or is slow."""

import asyncio
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_BLOCK = 16 * 1024
# Closing with it sends a reset, and throws away what was not sent yet.
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fault:
    """Of one connection, once ``after`` bytes came from the server: it is ``cut``, ``reset``, or
    goes ``silent`` (half-open: nothing more comes, and nobody says so). ``delay`` in seconds
    before each block."""

    after: int = 0
    then: str = "cut"
    delay: float = 0


class TcpProxy:
    """Listens on ``port`` while the block lasts. The first connection suffers the first of
    ``faults``, and so on; those behind the last suffer none."""

    host = "127.0.0.1"

    def __init__(self, port: int, *faults: Fault) -> None:
        self._target = port
        self.faults = deque(faults)
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=120)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        # Again, for a connection that was made in this moment.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        fault = self.faults.popleft() if self.faults else None
        there, back = await asyncio.open_connection(self.host, self._target)
        sending = asyncio.ensure_future(_copy(reader, back))
        try:
            # Cancelled is how it ends with the block.
            with suppress(asyncio.CancelledError):
                await _copy(there, writer, fault)
                if fault and fault.then == "silent":
                    await sending
        finally:
            sending.cancel()
            if fault and fault.then == "reset":
                told = writer.get_extra_info("socket")
                told.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            for one in (writer, back):
                one.close()


async def _copy(reader, writer, fault: Fault | None = None) -> None:
    left = fault.after if fault and fault.after else None
    with suppress(OSError):
        while block := await reader.read(_BLOCK):
            if fault:
                await asyncio.sleep(fault.delay)
            writer.write(block if left is None else block[:left])
            await writer.drain()
            if left is not None and (left := left - len(block)) <= 0:
                return
        writer.write_eof()


class SpeakingOnce:
    """A server that answers its first caller with these bytes, whatever it is asked, and hangs
    up. The port, while the block lasts."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._listening.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self._thread.join()

    def _speak(self) -> None:
        with suppress(OSError):
            caller, _ = self._listening.accept()
            with caller:
                caller.recv(65_536)
                caller.sendall(self._said)
