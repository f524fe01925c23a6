"""A port for everyone that leads to one for this machine alone: Chromium answers nobody else by itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["forwarding"]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def _listen(port: int, target: int) -> asyncio.Server:
    return await asyncio.start_server(lambda *streams: _connect(target, *streams), "0.0.0.0", port)  # noqa: S104


async def _connect(target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writers = [writer]
    try:
        with suppress(OSError):  # who is not there, or goes away, is the caller's business
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
            writers.append(far_writer)
            ways = [
                asyncio.create_task(_copy(reader, far_writer)),
                asyncio.create_task(_copy(far_reader, writer)),
            ]
            # A conversation is over when one side has nothing more to say.
            _, open_ways = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in open_ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    finally:
        for each in writers:
            each.close()


async def _end(server: asyncio.Server) -> None:
    """Hang up on everyone who still talks."""
    server.close()
    talking = asyncio.all_tasks() - {asyncio.current_task()}
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, return_exceptions=True)
    # A closed connection is let go of in the loop's next turn.
    await asyncio.sleep(0)


@contextmanager
def forwarding(port: int, target: int) -> Iterator[int]:
    """Listens on a port of all addresses for the time of a `with` block, and gives that port.

    Args:
        port: where it listens; 0 for a free one.
        target: the port on 127.0.0.1 that connections go on to; without a listener there, they are closed.

    Raises:
        OSError: the port is taken.
    """
    with asyncio.Runner() as runner:
        server = runner.run(_listen(port, target))
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="forwarding")
        thread.start()
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            runner.run(_end(server))
