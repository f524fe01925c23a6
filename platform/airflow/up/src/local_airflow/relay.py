"""Carries connections from sockets of another network to ports of this one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

__all__ = ["relay"]

_BLOCK = 64 * 1024


async def relay(ports: Mapping[socket.socket, int]) -> None:
    """Carries connections, until it is cancelled.

    Args:
        ports: sockets that listen, to ports of 127.0.0.1.
    """
    servers = [await asyncio.start_server(_Carry(port), sock=sock) for sock, port in ports.items()]
    await asyncio.gather(*(server.serve_forever() for server in servers))


class _Carry:
    def __init__(self, port: int) -> None:
        self.port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        for stream in (far_writer, writer):
            stream.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction; its end is passed on, while the other goes on."""
    with suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
        writer.write_eof()
        return
    writer.transport.abort()
